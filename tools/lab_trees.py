# The private folder's parts: which are there, and how each is made.
import json
import os
import shutil
from pathlib import Path

import lab_unpack
from lab_table import DRIVERS, OPTIONS, TREES
from lab_unpack import LabError

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("KILN_LAB") or REPOSITORY / ".lab").absolute()
TOOLS = ["glslangValidator", "spirv-val", "spirv-opt", "spirv-dis", "spirv-as"]

# the kernel's name of a machine: Debian's
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# Debian's name: (library folder, dynamic loader)
LOADERS = {
    "amd64": ("x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    "arm64": ("aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
}


def machine():
    """Debian's name of this machine's architecture."""
    name = os.uname().machine
    if name not in ARCHITECTURES:
        raise LabError(f"no private drivers for {name}: use the system's own")
    return ARCHITECTURES[name]


def architecture(tree):
    """Debian's name of the architecture that a tree's programs are for."""
    return TREES[tree].get("architecture") or machine()


def library_folder(tree):
    return FOLDER / tree / "usr/lib" / LOADERS[architecture(tree)][0]


def is_complete(tree):
    return lab_unpack.is_complete(FOLDER / tree, TREES[tree])


def make(trees):
    """Makes the named trees where they are not complete."""
    for name in trees:
        lab_unpack.make_tree(FOLDER / name, TREES[name], architecture(name), FINISH.get(name))
        tools = FOLDER / "bin"
        if name == "trixie" and not tools.is_symlink():
            shutil.rmtree(tools, ignore_errors=True)
            tools.symlink_to("trixie/bin")


def option_of(tree):
    """The option of `tools/lab make` that makes a tree, with a space before it."""
    return next((f" --{option}" for option, (trees, _) in OPTIONS.items() if tree in trees), "")


def why_missing(tree):
    """Why a tree cannot be used now, or an empty string."""
    if is_complete(tree):
        return ""
    return f"part {tree} is missing (tools/lab make{option_of(tree)})"


def version(tree):
    """Of the driver packages in a complete tree, such as 26.1.6-1~bpo13+1."""
    packages = lab_unpack.versions(FOLDER / tree)
    return packages.get("mesa-vulkan-drivers") or packages.get("chromium-common") or ""


def _write_wrappers(tree):
    """Starts each shader tool with the tree's own libraries."""
    triple, loader = LOADERS[machine()]
    (tree / "bin").mkdir()
    for tool in TOOLS:
        wrapper = tree / "bin" / tool
        wrapper.write_text(
            "#!/bin/sh\n"
            f"# The newer {tool} of the private folder, with its own libraries.\n"
            f'root="${{0%/*}}/.."\nlibraries="$root/usr/lib/{triple}"\n'
            f'exec "$libraries/{loader}" --library-path "$libraries" '
            f'"$root/usr/bin/{tool}" "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)


def _write_manifest(tree):
    """Chromium's own manifest is found by no loader: it names an older interface."""
    manifest = {"file_format_version": "1.0.1",
                "ICD": {"library_path": "./usr/lib/chromium/libvk_swiftshader.so",
                        "api_version": "1.3.0"}}
    (tree / DRIVERS["swiftshader"].manifest).write_text(json.dumps(manifest), encoding="utf-8")


# Called with the unpacked tree before it appears under its name.
FINISH = {"trixie": _write_wrappers, "swiftshader": _write_manifest}
