"""What `kiln bench` writes for programs: keys, sums that agree, and comparisons with itself.

bench_format.py LAB DRIVER PROGRAM MODEL
"""

import json
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 77
KERNEL_KEYS = {"set", "group", "shape", "count", "element", "kernels", "dispatches", "flops",
               "bytes", "ms", "wrong", "problem", "launches_ms", "spread", "gflops_per_second",
               "gigabytes_per_second", "share_of_peak_flops", "share_of_peak_bytes"}
STAGE_KEYS = {"stage", "variant", "key", "dispatches", "ms", "runs_ms", "spread", "flops",
              "gflops_per_second", "share_of_peak_flops", "kernels_ms", "timed_ms", "gaps",
              "undisturbed_gaps", "passes"}


def run(command, *options):
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    if done.returncode == SKIPPED:
        print(done.stdout + done.stderr)
        sys.exit(SKIPPED)
    if done.returncode != 0:
        sys.exit(f"{' '.join(options)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def problems_of_device(report):
    if not report["device"]["name"] or not report["device"]["driver"]:
        yield "the device has no name"
    peaks = report["peaks"]
    if not (peaks["gflops_per_second"] > 0 and peaks["gigabytes_per_second"] > 0):
        yield f"peaks are {peaks}"
    if report["device"]["kind"] == "cpu" and peaks["host"] is None:
        machine = pathlib.Path("/proc/cpuinfo").read_text()
        if " avx2 " in machine and " fma " in machine:
            yield "a CPU device without the host's peak"


def problems_of_kernels(report, shapes):
    yield from problems_of_device(report)
    rows = report["kernels"]
    if [row["shape"] for row in rows] != shapes:
        yield f"shapes are {[row['shape'] for row in rows]}"
    host = report["peaks"]["host"]
    peak = (host or report["peaks"])["gflops_per_second"]
    for row in rows:
        if KERNEL_KEYS - row.keys():
            yield f"{row['shape']} lacks {sorted(KERNEL_KEYS - row.keys())}"
            continue
        if row["wrong"] or row["problem"] or len(row["launches_ms"]) != 3:
            yield f"{row['shape']}: {row}"
        rate = row["flops"] / row["ms"] * 1e-6
        if abs(row["gflops_per_second"] - rate) > 1e-6 * rate:
            yield f"{row['shape']}: {row['gflops_per_second']} GFLOP/s, expected {rate}"
        if abs(row["share_of_peak_flops"] * peak - rate) > 1e-6 * rate:
            yield f"{row['shape']}: a share of {row['share_of_peak_flops']} of {peak}"
        if host and len(row["host_gflops_per_second"]) != len(row["launches_ms"]):
            yield f"{row['shape']}: {row['host_gflops_per_second']} of the host for 3 launches"
        if host and row["flops"] > 0 and not row["share_of_host_then"] > 0:
            yield f"{row['shape']}: no share of what the host gave"


def problems_of_stages(report, variants):
    yield from problems_of_device(report)
    stages = report["stages"]
    for stage in ("text", "denoise", "decode", "encode"):
        rows = [row for row in stages if row["stage"] == stage]
        if [row["variant"] for row in rows] != variants:
            yield f"{stage}: variants {[row['variant'] for row in rows]}"
        for row in rows:
            if STAGE_KEYS - row.keys():
                yield f"{stage} lacks {sorted(STAGE_KEYS - row.keys())}"
                continue
            if len(row["runs_ms"]) != 2 or len(row["kernels_ms"]) != 2 or not row["flops"] > 0:
                yield f"{stage}: {row}"
            if not (0 <= row["gaps"] < 1 and 0 < row["passes"] < 1):
                yield f"{stage}: gaps {row['gaps']}, passes {row['passes']}"
            if not all(0 < k <= t for k, t in zip(row["kernels_ms"], row["timed_ms"])):
                yield f"{stage}: kernels take longer than the run they are in"


def problems_of_picture(report):
    parts = {row["part"]: row["seconds"] for row in report["picture"]}
    for part in ("open", "first picture", "next picture", "opened again: first picture"):
        if not parts.get(part, 0) > 0:
            yield f"{part}: {parts.get(part)}"
    if report["steps"] != 1 or report["width"] != 64:
        yield f"{report['steps']} steps, {report['width']} pixels"


def main():
    lab, driver, program, model = sys.argv[1:]
    bench = [lab, "run", driver, "--skip", "--", program, "bench"]
    shapes = ["64x64x64", "1x8x8x64->32 k1"]
    kernels = ["kernels", "-q", "--only", "matmul", "--repeat", "3", "--shape", shapes[0],
               "--shape", shapes[1]]
    small = ["-q", "-m", model, "-W", "64", "-H", "64"]
    stages = ["stages", *small, "--repeat", "2"]
    picture = ["picture", *small, "--steps", "1", "--repeat", "1"]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        saved = f"{folder}/saved.json"
        first = json.loads(run(bench, *kernels, "--json", "--save", saved))
        found += problems_of_kernels(first, shapes)
        if json.loads(pathlib.Path(saved).read_text()) != first:
            found.append("--save and --json differ")
        again = json.loads(run(bench, *kernels, "--json", "--against", saved))
        found += [f"{row['shape']}: no comparison" for row in again["kernels"]
                  if not row.get("times_as_fast", 0) > 0]
        if " x" not in run(bench, *kernels, "--against", saved):
            found.append("the table of kernels shows no comparison")

        both = run(bench, *stages, "--json", "--without", "norm/channel_apply", "--save", saved)
        found += problems_of_stages(json.loads(both), ["", "without norm/channel_apply"])
        again = json.loads(run(bench, *stages, "--json", "--against", saved))
        found += problems_of_stages(again, [""])
        found += [f"{row['stage']}: no comparison" for row in again["stages"]
                  if not row.get("times_as_fast", 0) > 0]

        found += problems_of_picture(json.loads(run(bench, *picture, "--json", "--save", saved)))
        if " of before" not in run(bench, *picture, "--against", saved):
            found.append("the table of the picture shows no comparison")
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
