"""Every shader compiles with debug information (KILN_SHADER_DEBUG) to a valid module with its source.

debug_information.py TOOLS_SHADERS SHADERS GLSLANG SPIRV_VAL [MATRIX_GLSLANG MATRIX_SPIRV_VAL]

Shaders for matrix units need the newer tools, and are left out without. Instructions that a shader
spells by number are newer than any validator.
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

from compile import TARGET, compile_variant, elements_of, included, root_of  # noqa: E402


OP_LINE = 8


def lines_of(module):
    """How many instructions say which line of the source they come from."""
    words = struct.unpack(f"<{len(module) // 4}I", module)
    position, found = 5, 0
    while position < len(words):
        found += words[position] & 0xFFFF == OP_LINE
        position += words[position] >> 16
    return found


def messages(command):
    """What a program that fails says."""
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr if run.returncode else ""


def main():
    shaders = sorted(Path(sys.argv[2]).resolve().glob("*/*.comp"))
    failed = 0 if shaders else 1
    for shader in shaders:
        text = "\n".join(file.read_text()
                         for file in [shader, *included(shader, root_of(shader), [])])
        tools = sys.argv[5:7] if "GL_KHR_cooperative_matrix" in text else sys.argv[3:5]
        if not tools:
            print(f"{shader.stem}: left out, these tools are too old for it")
            continue
        options = argparse.Namespace(glslang=tools[0], optimizer=None, debug=True)
        source = re.findall(r"^void main\(\).*$", text, re.M)[0].encode()
        for element in elements_of(shader):
            with tempfile.TemporaryDirectory() as folder:
                module = compile_variant(shader, element, options, Path(folder))[2]
                file = Path(folder) / "checked.spv"
                file.write_bytes(module)
                problem = ""
                if "GL_EXT_spirv_intrinsics" not in text:
                    problem = messages([tools[1], "--target-env", TARGET, file])
            if source not in module or not lines_of(module):
                problem = "no debug information: the source and its lines are missing"
            if problem:
                failed += 1
                print(f"{shader.stem} {element or ''}: {problem.strip()}")
    print(f"{len(shaders)} shaders, {failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
