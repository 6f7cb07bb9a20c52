"""Every shader compiles with debug information (KILN_SHADER_DEBUG) to a valid module with its source.

debug_information.py TOOLS_SHADERS SHADERS GLSLANG SPIRV_VAL
"""
import argparse
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])

from compile import TARGET, compile_variant, elements_of  # noqa: E402


OP_LINE = 8


def lines_of(module):
    """How many instructions say which line of the source they come from."""
    words = struct.unpack(f"<{len(module) // 4}I", module)
    position, found = 5, 0
    while position < len(words):
        found += words[position] & 0xFFFF == OP_LINE
        position += words[position] >> 16
    return found


def main():
    shaders = sorted(Path(sys.argv[2]).resolve().glob("*/*.comp"))
    options = argparse.Namespace(glslang=sys.argv[3], optimizer=None, debug=True)
    failed = 0 if shaders else 1
    for shader in shaders:
        source = re.findall(r"^void main\(\).*$", shader.read_text(), re.M)[0].encode()
        for element in elements_of(shader):
            with tempfile.TemporaryDirectory() as folder:
                module = compile_variant(shader, element, options, Path(folder))[2]
                file = Path(folder) / "checked.spv"
                file.write_bytes(module)
                check = subprocess.run([sys.argv[4], "--target-env", TARGET, file],
                                       capture_output=True, text=True, check=False)
            problem = check.stdout + check.stderr if check.returncode else ""
            if source not in module or not lines_of(module):
                problem = "no debug information: the source and its lines are missing"
            if problem:
                failed += 1
                print(f"{shader.stem} {element or ''}: {problem.strip()}")
    print(f"{len(shaders)} shaders, {failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
