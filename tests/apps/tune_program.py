"""What `kiln tune` prints and keeps, who uses it, and who does not.

tune_program.py LAB DRIVER PROGRAM MODEL
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))
from sheet_png import read_png  # noqa: E402

SKIPPED = 77


def rows_of(path):
    return read_png(path)[-1]


class Kiln:
    """Runs the program with a cache folder of its own."""

    def __init__(self, lab, driver, program, folder):
        self.command = [lab, "run", driver, "--skip", "--", program]
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(folder)}

    def __call__(self, *options, expected=0):
        done = subprocess.run([*self.command, *options], capture_output=True, text=True,
                              env=self.environment)
        if done.returncode == SKIPPED:
            print(done.stdout + done.stderr)
            sys.exit(SKIPPED)
        if done.returncode != expected:
            sys.exit(f"{' '.join(options)} ended with {done.returncode}:\n{done.stderr}")
        return done


def problems_of_report(report, kept):
    best = {}
    for row in report["problems"]:
        usual, chosen = row["usual"], row["best"]
        if not (row["count"] > 0 and row["choices"] > 1 and usual["ms"] >= chosen["ms"] > 0):
            yield f"{row}"
        if row["failures"]:
            yield f"{row['problem']}: {row['failures']}"
        if (usual["kernel"], usual["tile"]) != (chosen["kernel"], chosen["tile"]):
            best[row["problem"]] = {"kernel": chosen["kernel"], "tile": chosen["tile"]}
    if not report["problems"]:
        yield "no problem was tuned"
    if kept != best:
        yield f"{kept} is kept, expected {best}"


def kept_choices(file):
    return json.loads(file.read_text())["choices"] if file.exists() else {}


def tuned_problems(kiln):
    return [device["tuned_problems"] for device in json.loads(kiln("devices", "--json").stdout)
            if not device["refused"]][0]


def main():
    lab, driver, program, model = sys.argv[1:]
    # In 32 bits: what kernels round otherwise in 16 shows in a picture.
    small = ["-m", model, "-W", "64", "-H", "64", "-q", "--precision", "f32"]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        kiln = Kiln(lab, driver, program, folder)
        kiln("tune", *small, "--stage", "all the world", expected=2)

        tune = ["tune", *small, "--stage", "text"]
        report = json.loads(kiln(*tune, "--json").stdout)
        file = pathlib.Path(report["file"])
        found = list(problems_of_report(report, kept_choices(file)))
        if not file.is_relative_to(folder):
            found.append(f"{file} is not in the cache folder")

        # Choices that are surely not the usual ones, beside one of another model; tuning the same
        # problems again replaces those alone.
        if report["driver"]["device"] not in kiln("devices").stdout:
            found.append("devices and tune name other devices")
        choices = {row["problem"]: {"kernel": "attention/attention_tiled", "tile": ""}
                   for row in report["problems"] if row["problem"].startswith("attention")}
        choices["matmul 5x6x7 F32"] = {"kernel": "matmul/matmul", "tile": ""}
        plain, tuned = folder / "plain.png", folder / "tuned.png"
        paint = ["txt2img", *small, "-p", "a castle", "--steps", "2", "-s", "3", "-o"]
        kiln(*paint, plain, "--no-tuning")
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"format": 1, "driver": report["driver"], "choices": choices}))
        if tuned_problems(kiln) != len(choices):
            found.append(f"devices counts {tuned_problems(kiln)} problems")
        if f"{len(choices)} problems tuned" not in kiln("devices").stdout:
            found.append("devices does not tell that problems are tuned")
        warnings = kiln(*paint, tuned).stderr
        if warnings:
            found.append(f"painting, tuned, says {warnings}")
        far = max(abs(a - b) for a, b in zip(*(b"".join(rows_of(png)) for png in (plain, tuned))))
        if far > 1:
            found.append(f"the tuned picture differs by {far}")
        kernels = kiln("profile", "--", *paint, tuned).stdout
        untuned = kiln("profile", "--", *paint, tuned, "--no-tuning").stdout
        if "attention/attention_tiled" not in kernels or "attention/attention_tiled" in untuned:
            found.append("choices are not obeyed with tuning, or are without")

        again = json.loads(kiln(*tune, "--json").stdout)
        kept = kept_choices(file)
        if kept.pop("matmul 5x6x7 F32", None) is None:
            found.append("what was tuned for another model is lost")
        found += problems_of_report(again, kept)

        file.write_text(file.read_text()[:100])
        lines = kiln(*paint, tuned).stderr.splitlines()
        if len(lines) != 1 or "is ignored" not in lines[0]:
            found.append(f"of a damaged file it says {lines}")
        if rows_of(plain) != rows_of(tuned):
            found.append("a damaged file changes the picture")
        kiln("tune", "--forget")
        if file.exists() or tuned_problems(kiln) != 0:
            found.append("nothing was forgotten")
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
