# What unpacked packages need before they work from a private folder.
import json
import os
import re

TOOLS = ["glslangValidator", "spirv-val", "spirv-opt", "spirv-dis", "spirv-as"]
SCRIPT = """#!/bin/sh
# The {tool} of the private folder, with its own libraries.
root="${{0%/*}}/.."
{start} "$root/usr/bin/{tool}" "$@"
"""


def write_script(tree, tool, start):
    """bin/TOOL, which runs the tree's own usr/bin/TOOL by the words `start`."""
    (tree / "bin").mkdir(exist_ok=True)
    wrapper = tree / "bin" / tool
    wrapper.write_text(SCRIPT.format(tool=tool, start=start), encoding="utf-8")
    wrapper.chmod(0o755)


def shader_tools(tree):
    """Starts each shader tool with the tree's own libraries."""
    loader = next(tree.glob("usr/lib/*-linux-gnu/ld-linux*.so.*"))
    libraries = f"$root/usr/lib/{loader.parent.name}"
    for tool in TOOLS:
        write_script(tree, tool, f'exec "{libraries}/{loader.name}" --library-path "{libraries}"')


def swiftshader(tree):
    """Chromium's own manifest is found by no loader: it names an older interface."""
    manifest = {"file_format_version": "1.0.1",
                "ICD": {"library_path": "./usr/lib/chromium/libvk_swiftshader.so",
                        "api_version": "1.3.0"}}
    (tree / "swiftshader_icd.json").write_text(json.dumps(manifest), encoding="utf-8")


def cross_compiler(tree):
    """The compiler keeps the machine's C library and takes only its own other libraries along."""
    libraries = "$root/usr/lib/x86_64-linux-gnu"
    for program in sorted((tree / "usr/bin").glob("aarch64-linux-gnu-*")):
        write_script(tree, program.name, f'LD_LIBRARY_PATH="{libraries}" exec')
    folder = "/usr/aarch64-linux-gnu/lib/"
    for script in sorted((tree / folder[1:]).glob("lib*.so")):
        content = script.read_bytes()
        if not content.startswith(b"\x7fELF"):  # a linker script that names whole paths
            script.write_bytes(content.replace(folder.encode(), b""))


def sysroot(tree):
    """One folder of libraries, and links that stay within it."""
    libraries = next((tree / "usr/lib").glob("*-linux-gnu"))
    for file in sorted((tree / "lib").glob("*-linux-gnu/*")):
        file.rename(libraries / file.name)
    for link in libraries.iterdir():
        if link.is_symlink() and re.match("/(usr/)?lib/", os.readlink(link)):
            target = os.path.basename(os.readlink(link))
            link.unlink()
            link.symlink_to(target)
