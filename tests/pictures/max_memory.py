"""Stable Diffusion 1.5 in float32 at 512x512 under --max-memory: the same picture, or the numbers.

max_memory.py LAB PROGRAM DRIVER
"""

import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))
from sheet_png import read_png  # noqa: E402

MISSING = 77  # what tools/lab says of a driver that is not there
MOST_APART = 0.02  # planned from measured peak
NOT_ENOUGH = "300MB"


def paint(command, folder, limit):
    """Exit code, the JSON result and the picture's file."""
    output = folder / f"{limit or 'free'}.png"
    words = [*command, "txt2img", "-m", "synthetic:sd15", "--precision", "f32", "-W", "512", "-H",
             "512", "--steps", "1", "--seed", "3", "-p", "the sea", "-q", "--json", "-o", output]
    if limit:
        words += ["--max-memory", limit]
    run = subprocess.run(words, capture_output=True, text=True)
    return run, json.loads(run.stdout) if run.returncode == 0 else None, output


def differences(one, other):
    a, b = (b"".join(map(bytes, read_png(path)[-1])) for path in (one, other))
    return 256 if len(a) != len(b) else max(abs(x - y) for x, y in zip(a, b))


def main():
    lab, program, driver = sys.argv[1:]
    command = [lab, "run", driver, "--", program]
    problems = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run, free, expected = paint(command, folder, "")
        if run.returncode:
            print(run.stderr, file=sys.stderr)
            return run.returncode
        for limit, most in (("", None), ("3GB", 3e9), ("2GB", 2e9)):
            if limit:
                run, made, output = paint(command, folder, limit)
                if run.returncode:
                    problems.append(f"{limit}: ended with {run.returncode}: {run.stderr}")
                    continue
                apart = differences(expected, output)
                if apart > 1:
                    problems.append(f"{limit}: {apart} of 255 from the picture without a limit")
            else:
                made = free
            memory = made["memory"]
            print(f"{limit or 'no limit'}: planned {memory['planned'] / 1e9:.3f} GB, measured "
                  f"{memory['peak'] / 1e9:.3f} GB")
            if abs(memory["planned"] - memory["peak"]) > MOST_APART * memory["peak"]:
                problems.append(f"{limit}: planned {memory['planned']}, measured {memory['peak']}")
            if most and memory["peak"] > most:
                problems.append(f"{limit}: {memory['peak']} bytes were in use")
        run, _, output = paint(command, folder, NOT_ENOUGH)
        told = run.stderr.strip()
        print(told)
        if run.returncode != 1 or "at least" not in told or "the limit is 300.0 MB" not in told:
            problems.append(f"{NOT_ENOUGH}: ended with {run.returncode}: {told}")
        if output.exists():
            problems.append(f"{NOT_ENOUGH}: a file was left")
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
