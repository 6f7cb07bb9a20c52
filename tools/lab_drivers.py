# The named Vulkan drivers of the private folder: what each needs, and how a program runs on it.
"""Trees (unpacked packages) and drivers (a tree's driver plus settings), as plain tables."""
import ctypes
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import lab_unpack
from lab_unpack import LabError

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("KILN_LAB") or REPOSITORY / ".lab").absolute()

ARCHITECTURES = {  # Debian's name: (library folder, dynamic loader)
    "x86_64": ("amd64", "x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    "aarch64": ("arm64", "aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
}

# The newest Mesa for the stable release; see lab_unpack.make_tree for the fields.
TREES = {
    "trixie": {
        "suites": ["trixie", "trixie-backports"],
        "closure": ["mesa-vulkan-drivers/trixie-backports", "libvulkan1", "libvulkan-dev",
                    "vulkan-validationlayers", "vulkan-tools", "spirv-tools", "glslang-tools"],
    },
    "swiftshader": {
        "suites": ["trixie"],
        "alone": ["chromium-common"],
        "only": ["./usr/lib/chromium/libvk_swiftshader.so", "./usr/share/doc/*/copyright"],
    },
    "sid": {
        "suites": ["sid"],
        "closure": ["mesa-vulkan-drivers", "libvulkan1", "vulkan-validationlayers"],
    },
}
TOOLS = ["glslangValidator", "spirv-val", "spirv-opt", "spirv-dis", "spirv-as"]

# name: (tree with loader and libraries, tree with the driver, environment)
DRIVERS = {
    "lavapipe": ("trixie", "trixie", {}),
    "lavapipe-4": ("trixie", "trixie", {"LP_NATIVE_VECTOR_WIDTH": "128"}),
    "lavapipe-8": ("trixie", "trixie", {"LP_NATIVE_VECTOR_WIDTH": "256"}),
    "lavapipe-16": ("trixie", "trixie", {"LP_NATIVE_VECTOR_WIDTH": "512"}),
    "lavapipe-sid": ("sid", "sid", {}),
    "swiftshader": ("trixie", "swiftshader", {}),
    "system": (None, None, {}),
}

MANIFESTS = {  # where a tree's driver manifest lies
    "trixie": "usr/share/vulkan/icd.d/lvp_icd*.json",
    "sid": "usr/share/vulkan/icd.d/lvp_icd*.json",
    "swiftshader": "swiftshader_icd.json",
}
PR_SET_PDEATHSIG = 1  # of <linux/prctl.h>
SYSTEM_MANIFESTS = Path("/usr/share/vulkan/icd.d")


def architecture():
    machine = os.uname().machine
    if machine not in ARCHITECTURES:
        raise LabError(f"no private drivers for {machine}: use the system's own")
    return ARCHITECTURES[machine]


def make(trees):
    """Makes the named trees where they are not complete."""
    for name in trees:
        lab_unpack.make_tree(FOLDER / name, TREES[name], architecture()[0], FINISH.get(name))
        tools = FOLDER / "bin"
        if name == "trixie" and not tools.is_symlink():
            shutil.rmtree(tools, ignore_errors=True)
            tools.symlink_to("trixie/bin")


def trees_of(driver):
    """The trees a driver needs."""
    return [tree for tree in dict.fromkeys(DRIVERS[driver][:2]) if tree is not None]


def _write_wrappers(tree):
    """Starts each shader tool with the tree's own libraries."""
    _, triple, loader = architecture()
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
    (tree / MANIFESTS["swiftshader"]).write_text(json.dumps(manifest), encoding="utf-8")


FINISH = {"trixie": _write_wrappers, "swiftshader": _write_manifest}


def missing(driver):
    """Why a driver cannot be used now, or an empty string."""
    if DRIVERS[driver][1] is None:
        if not sorted(SYSTEM_MANIFESTS.glob("lvp_icd*.json")):
            return "the system has no lavapipe (package mesa-vulkan-drivers)"
        return ""
    for tree in trees_of(driver):
        if not lab_unpack.is_complete(FOLDER / tree, TREES[tree]):
            option = "" if tree == "trixie" else f" --{tree}"
            return f"part {tree} is missing (tools/lab make{option})"
    return ""


def _environment(driver):
    """Variables that make the Vulkan loader take this driver only."""
    loader_tree, driver_tree, extra = DRIVERS[driver]
    if driver_tree is None:
        manifest = sorted(SYSTEM_MANIFESTS.glob("lvp_icd*.json"))[0]
    else:
        manifest = sorted((FOLDER / driver_tree).glob(MANIFESTS[driver_tree]))[0]
    environment = {**os.environ, **extra, "VK_DRIVER_FILES": str(manifest),
                   "VK_ICD_FILENAMES": str(manifest), "NODEVICE_SELECT": "1",
                   "MESA_SHADER_CACHE_DIR": str(FOLDER / "cache" / driver), "KILN_DRIVER": driver}
    environment.pop("LD_PRELOAD", None)
    if loader_tree is not None:
        environment["VK_LAYER_PATH"] = str(FOLDER / loader_tree / "usr/share/vulkan/explicit_layer.d")
    return environment


def _launch_words(driver):
    """What to put before a program so that it and its libraries come from the private folder."""
    loader_tree = DRIVERS[driver][0]
    if loader_tree is None:
        return []
    _, triple, loader = architecture()
    libraries = FOLDER / loader_tree / "usr/lib" / triple
    return [str(libraries / loader), "--library-path", str(libraries)]


def _is_program(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def run(driver, validation, command):
    """Runs a command on a driver. Returns its exit status, or 1 where validation found something.

    A script is started as it is: it puts the words of KILN_LAUNCH before each program it starts.
    """
    reason = missing(driver)
    if reason:
        raise LabError(f"{driver}: {reason}")
    program = shutil.which(command[0])
    if program is None:
        raise LabError(f"{command[0]}: no such program")
    environment = _environment(driver)
    words = _launch_words(driver)
    environment["KILN_LAUNCH"] = shlex.join(words)
    argv = (words if _is_program(program) else []) + [program, *command[1:]]
    if not validation:
        sys.stdout.flush()
        os.execve(argv[0], argv, environment)
    return _run_validated(driver, argv, environment)


def _layer_version(driver):
    """Of the validation layer that the driver's loader finds, as (major, minor)."""
    loader_tree = DRIVERS[driver][0]
    root = FOLDER / loader_tree / "usr" if loader_tree else Path("/usr")
    manifest = root / "share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json"
    if not manifest.is_file():
        raise LabError(f"{driver}: no validation layer (package vulkan-validationlayers)")
    layer = json.loads(manifest.read_text(encoding="utf-8"))
    layer = layer.get("layer") or layer["layers"][0]
    return tuple(int(number) for number in layer["api_version"].split(".")[:2])


def _end_with_parent():
    """A program whose launcher is killed (by a time limit, say) is killed, too."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _run_validated(driver, argv, environment):
    """Runs with the validation layer and its synchronization checks; any message is a failure."""
    with tempfile.TemporaryDirectory(prefix="kiln-validation-") as folder:
        log = Path(folder) / "messages.txt"
        settings = {"debug_action": "VK_DBG_LAYER_ACTION_LOG_MSG", "log_filename": log,
                    "report_flags": "error,warn"}
        if _layer_version(driver) >= (1, 4):
            settings["validate_sync"] = "true"
        else:  # the older name, which newer layers warn of
            settings["enables"] = "VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT"
        lines = [f"khronos_validation.{key} = {value}\n" for key, value in settings.items()]
        (Path(folder) / "vk_layer_settings.txt").write_text("".join(lines), encoding="utf-8")
        environment |= {"VK_LAYER_SETTINGS_PATH": folder, "KILN_VALIDATION": "1",
                        "VK_INSTANCE_LAYERS": "VK_LAYER_KHRONOS_validation"}
        status = subprocess.run(argv, env=environment, check=False,
                                preexec_fn=_end_with_parent).returncode
        messages = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    if messages.strip():
        print(f"validation on {driver}:\n{messages.rstrip()[:20000]}", file=sys.stderr)
        return status or 1
    return status if status >= 0 else 128 - status
