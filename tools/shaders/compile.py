"""Compiles one compute shader to C++: glslang, reflection, optimisation, embedding.

compile.py shader SHADER.comp --out DIR --glslang PATH [--optimizer PATH] [--depfile FILE] [--debug]
compile.py catalogue SHADER.comp... --out DIR [--not-built SHADER.comp...]
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import emit
from reflect import ShaderError, reflect

TARGET = "vulkan1.2"
ELEMENTS = {"f32": "ELEMENT_F32", "f16": "ELEMENT_F16"}


def root_of(shader):
    return shader.parent.parent


def elements_of(shader):
    """A shader that includes kernel.glsl is compiled once for each element type it allows."""
    if re.search(r"^#define ONLY_ELEMENT_F16$", shader.read_text(), re.M):
        return ["f16"]
    if re.search(r'^#include "common/kernel.glsl"', shader.read_text(), re.M):
        return list(ELEMENTS)
    return [None]


def path_of(shader):
    return f"{shader.parent.name}/{shader.stem}"


def run(command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode:
        raise ShaderError((result.stdout + result.stderr).strip())


def included(shader, root, seen):
    for name in re.findall(r'^#include "([^"]+)"', shader.read_text(), re.M):
        path = root / name
        if not path.exists():
            raise ShaderError(f"{shader}: include {name} not found below {root}")
        if path not in seen:
            seen.append(path)
            included(path, root, seen)
    return seen


def compile_variant(shader, element, options, folder):
    plain, optimised = folder / "plain.spv", folder / "optimised.spv"
    defines = [f"-D{ELEMENTS[element]}"] if element else []
    command = [options.glslang, "-V", "--quiet", "--target-env", TARGET, f"-I{root_of(shader)}",
               *defines, "-S", "comp"]
    run([*command, "-g", shader, "-o", plain])
    embedded = plain
    text = shader.read_text()
    # With debug information (KILN_SHADER_DEBUG) as glslang made it: the optimizer would strip it. It
    # refuses instructions that a shader spells by number, being newer than the tools.
    if "GL_EXT_spirv_intrinsics" in text and not options.debug:
        run([*command, shader, "-o", optimised])
        embedded = optimised
    elif options.optimizer and not options.debug:
        run([options.optimizer, f"--target-env={TARGET}", "-O", "--strip-debug", plain, "-o",
             optimised])
        embedded = optimised
    return element, reflect(plain.read_bytes()), embedded.read_bytes()


def write(path, text):
    """Replaces the file only when it changes, so that dependents are not rebuilt."""
    if path.exists() and path.read_text() == text:
        path.touch()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(path.suffix + f".{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


def compile_shader(options):
    shader = pathlib.Path(options.shaders[0]).resolve()
    name, path = shader.stem, path_of(shader)
    with tempfile.TemporaryDirectory() as folder:
        variants = [compile_variant(shader, element, options, pathlib.Path(folder))
                    for element in elements_of(shader)]
    first = variants[0][1]
    for element, interface, _ in variants[1:]:
        if (interface.arguments, interface.constants, interface.accesses) != (
                first.arguments, first.constants, first.accesses):
            raise ShaderError(f"{path}: the interface differs between element types ({element})")
    out = pathlib.Path(options.out) / "kernels"
    write(out / f"{name}.h", emit.header(path, name, first))
    write(out / f"{name}.cpp", emit.source(path, name, variants))
    if options.depfile:
        needed = [shader, *included(shader, root_of(shader), [])]
        write(pathlib.Path(options.depfile),
              f"{out / name}.cpp: " + " ".join(str(p) for p in needed) + "\n")


def write_catalogue(options):
    shaders = sorted(pathlib.Path(s) for s in options.shaders)
    out = pathlib.Path(options.out) / "kernels"
    write(out / "all.h", emit.CATALOGUE_HEADER)
    write(out / "all.cpp",
          emit.catalogue([(s.stem, [e or "f32" for e in elements_of(s)]) for s in shaders],
                         [path_of(pathlib.Path(s)) for s in options.not_built]))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["shader", "catalogue"])
    parser.add_argument("shaders", nargs="+")
    parser.add_argument("--out", required=True)
    parser.add_argument("--not-built", nargs="*", default=[])
    parser.add_argument("--glslang")
    parser.add_argument("--optimizer")
    parser.add_argument("--depfile")
    parser.add_argument("--debug", action="store_true",
                        help="embed the module with debug information, not optimized")
    options = parser.parse_args()
    try:
        (compile_shader if options.command == "shader" else write_catalogue)(options)
    except ShaderError as error:
        sys.exit(f"{options.shaders[0]}: {error}")


if __name__ == "__main__":
    main()
