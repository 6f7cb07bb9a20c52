"""One seed gives one picture, whatever the subgroup size: runs txt2img on several drivers.

same_bytes.py LAB PROGRAM MODEL DRIVER...
"""

import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))
from sheet_png import read_png  # noqa: E402

MISSING = 77  # what tools/lab says of a driver that is not there


def main():
    lab, program, model, *drivers = sys.argv[1:]
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for driver in drivers:
            output = pathlib.Path(folder) / f"{driver}.png"
            run = subprocess.run(
                [lab, "run", driver, "--", program, "txt2img", "-m", model, "-p", "a castle",
                 "-n", "blurry", "-W", "64", "-H", "128", "--steps", "3", "--sampler",
                 "euler_ancestral", "--seed", "3", "--no-tuning", "-q", "-o", output])
            if run.returncode:
                return run.returncode
            made[driver] = read_png(output)
    other = [driver for driver in drivers if made[driver] != made[drivers[0]]]
    if other:
        print(f"other pixels than on {drivers[0]}: {', '.join(other)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
