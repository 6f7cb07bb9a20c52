"""Every picture in the grid of tools/sheet is what kiln paints alone; wrong use leaves nothing.

sheet.py LAB SHEET PROGRAM MODEL DRIVER
"""

import pathlib
import shlex
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

from sheet_png import read_png  # noqa: E402

SIDE, GAP = 64, 3
SMALL = ["-W", str(SIDE), "-H", str(SIDE), "--steps", "1"]
PROMPTS = ("a castle", "a lake")


def cut(rows, column, row):
    left, top = GAP + column * (SIDE + GAP), GAP + row * (SIDE + GAP)
    return [line[3 * left:3 * (left + SIDE)] for line in rows[top:top + SIDE]]


def main():
    lab, sheet, program, model, driver = sys.argv[1:]
    run = [lab, "run", driver, "--skip", "--"]
    kiln = shlex.join([*run, program])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made = [run + [program, "txt2img", "-m", model, "-p", prompt, "--seed", str(seed), *SMALL,
                       "-q", "-o", folder / f"{row}-{seed - 5}.png"]
                for row, prompt in enumerate(PROMPTS) for seed in (5, 6)]
        made.append([sheet, "-o", folder / "sheet.png", "--prompts", *PROMPTS, "--seeds", "2",
                     "--seed", "5", "--gap", str(GAP), "--program", kiln, "--", "-m", model,
                     *SMALL])
        for command in made:
            code = subprocess.run(command).returncode
            if code:
                return code
        width, height, rows = read_png(folder / "sheet.png")
        wrong = [] if width == height == 2 * SIDE + 3 * GAP else ["the size of the sheet"]
        wrong += [f"row {row}, column {column}" for row in (0, 1) for column in (0, 1)
                  if cut(rows, column, row) != read_png(folder / f"{row}-{column}.png")[2]]
        before = sorted(folder.iterdir())
        for case in (["-o", folder / "a.jpg", "--prompts", "x"],
                     ["-o", folder / "missing" / "a.png", "--prompts", "x"],
                     ["-o", folder / "a.png", "--prompts", "x", "--seeds", "0"],
                     ["-o", folder / "a.png", "--prompt-file", folder / "missing.txt"],
                     ["-o", folder / "a.png", "--prompts", "x", "--", "-m", folder / "missing"]):
            bad = subprocess.run([sheet, "--program", kiln, *case], capture_output=True,
                                 text=True)
            last = bad.stderr.strip().splitlines()[-1:]
            if bad.returncode != 1 or not last or not last[0].startswith("sheet: "):
                wrong.append(f"{case}: exit {bad.returncode}: {bad.stderr}")
        if sorted(folder.iterdir()) != before:
            wrong.append("something was left behind")
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
