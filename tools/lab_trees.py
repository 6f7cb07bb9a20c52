# The private folder's parts: which are there, and how each is made.
import os
import shutil
from pathlib import Path

import lab_finish
import lab_intel
import lab_unpack
from lab_table import OPTIONS, TREES
from lab_unpack import LabError

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("KILN_LAB") or REPOSITORY / ".lab").absolute()

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


# Called with the unpacked tree before it appears under its name.
FINISH = {"trixie": lab_finish.shader_tools, "swiftshader": lab_finish.swiftshader,
          "cross": lab_finish.cross_compiler, "sysroot-arm64": lab_finish.sysroot,
          "intel": lambda tree: lab_intel.build(tree, machine())}
