# Size budgets: lines of a file and of a function, bytes of the tree and of the golden data.

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOST_FILE_LINES = 450       # aim for 400
MOST_FUNCTION_LINES = 65    # aim for 60
MOST_TREE_BYTES = 60 << 20
MOST_GOLDEN_BYTES = 16 << 20
SOURCES = (".cpp", ".h", ".comp", ".glsl", ".py", ".sh")


def tracked():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in names.stdout.decode().split("\0") if name]


def long_functions(path, lines):
    """Functions begin with a line in column 0 or 2 that ends in "{" and end with a "}" as deep."""
    start = None
    for number, line in enumerate(lines, 1):
        indent = len(line) - len(line.lstrip())
        if start is None and line.endswith("{") and re.search(r"\)[^;=]*\{$", line) and indent <= 2:
            start, depth = number, indent
        elif start is not None and line.startswith(" " * depth + "}"):
            if number - start + 1 > MOST_FUNCTION_LINES:
                yield f"{path}:{start}: a function of {number - start + 1} lines"
            start = None


def main():
    found, tree, golden = [], 0, 0
    for path in tracked():
        if not path.is_file():
            continue
        name = path.relative_to(ROOT).as_posix()
        size = path.stat().st_size
        tree += size
        golden += size if name.startswith("tests/golden/") else 0
        if path.suffix not in SOURCES:
            continue
        lines = path.read_text().splitlines()
        if len(lines) > MOST_FILE_LINES:
            found.append(f"{name}: {len(lines)} lines, the most is {MOST_FILE_LINES}")
        if path.suffix in (".cpp", ".h"):
            found += long_functions(name, lines)
    if tree > MOST_TREE_BYTES:
        found.append(f"the tree takes {tree} bytes, the most is {MOST_TREE_BYTES}")
    if golden > MOST_GOLDEN_BYTES:
        found.append(f"tests/golden takes {golden} bytes, the most is {MOST_GOLDEN_BYTES}")
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
