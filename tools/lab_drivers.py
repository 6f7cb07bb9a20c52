# How a program runs on a named Vulkan driver of the private folder.
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

import lab_trees
from lab_table import DRIVERS
from lab_trees import FOLDER
from lab_unpack import LabError

PR_SET_PDEATHSIG = 1  # of <linux/prctl.h>
EMULATOR, SYSROOT = "qemu", "sysroot-arm64"  # trees that aarch64 programs need here
SYSTEM_MANIFESTS = Path("/usr/share/vulkan/icd.d")


FASTEST = "lavapipe-fastest"  # stands for the widest lavapipe that this processor runs well


def fastest_lavapipe():
    """With vectors of 512 bits where the processor has them: a third to a half faster."""
    words = set(Path("/proc/cpuinfo").read_text().split())
    return "lavapipe-16" if {"avx512bw", "avx512vl"} <= words else "lavapipe"


def trees_of(driver):
    """The trees a driver needs."""
    row = DRIVERS[driver]
    trees = [row.libraries, row.tree, row.shim_tree]
    if row.libraries and lab_trees.architecture(row.libraries) != lab_trees.machine():
        trees += [EMULATOR, SYSROOT]
    return [tree for tree in dict.fromkeys(trees) if tree]


def missing(driver):
    """Why a driver cannot be used now, or an empty string."""
    row = DRIVERS[driver]
    if row.tree is None:
        if not sorted(SYSTEM_MANIFESTS.glob("lvp_icd*.json")):
            return "the system has no lavapipe (package mesa-vulkan-drivers)"
        return ""
    for tree in trees_of(driver):
        reason = lab_trees.why_missing(tree)
        if reason:
            return reason
    if not sorted((FOLDER / row.tree).glob(row.manifest)):
        return f"{row.tree} has no driver {Path(row.manifest).name} for this architecture"
    if row.shim and not _shim(row).is_file():
        return f"{row.shim_tree or row.libraries} has no {row.shim} for this architecture"
    return ""


def version(driver):
    """The package version of a driver that is not missing; empty for the system's own."""
    tree = DRIVERS[driver].tree
    return lab_trees.version(tree) if tree else ""


def _shim(row):
    return lab_trees.library_folder(row.shim_tree or row.libraries) / row.shim


def _environment(driver):
    """Variables that make the Vulkan loader take this driver only."""
    row = DRIVERS[driver]
    if row.tree is None:
        manifest = sorted(SYSTEM_MANIFESTS.glob("lvp_icd*.json"))[0]
    else:
        manifest = sorted((FOLDER / row.tree).glob(row.manifest))[0]
    environment = {**os.environ, **row.settings, "VK_DRIVER_FILES": str(manifest),
                   "VK_ICD_FILENAMES": str(manifest), "NODEVICE_SELECT": "1",
                   "MESA_SHADER_CACHE_DIR": str(FOLDER / "cache" / driver), "KILN_DRIVER": driver}
    environment.pop("LD_PRELOAD", None)
    if row.libraries is not None:
        environment["VK_LAYER_PATH"] = str(FOLDER / row.libraries
                                           / "usr/share/vulkan/explicit_layer.d")
    return environment


def _launch_words(driver):
    """What to put before a program so that it and its libraries come from the private folder.

    The no-op kernel interface is named by --preload, never by LD_PRELOAD: that would reach the
    machine's own programs, too, whose C library may be older.
    """
    row = DRIVERS[driver]
    if row.libraries is None:
        return []
    libraries = lab_trees.library_folder(row.libraries)
    architecture = lab_trees.architecture(row.libraries)
    path = [str(libraries)]
    if architecture != lab_trees.machine():  # programs are linked with the sysroot's libraries
        path.append(str(lab_trees.library_folder(SYSROOT)))
    words = [str(libraries / lab_trees.LOADERS[architecture][1]), "--library-path", ":".join(path)]
    if architecture != lab_trees.machine():
        words.insert(0, str(FOLDER / EMULATOR / "usr/bin/qemu-aarch64"))
    return words + (["--preload", str(_shim(row))] if row.shim else [])


def launch(driver, command):
    """The arguments and the environment with which a command runs on a driver.

    A script is started as it is: it puts the words of KILN_LAUNCH before each program it starts.
    """
    reason = missing(driver)
    if reason:
        raise LabError(f"{driver}: {reason}")
    program = shutil.which(command[0])
    if program is None:
        raise LabError(f"{command[0]}: no such program")
    built_for = _architecture_of(program)
    tree = DRIVERS[driver].libraries
    wanted = lab_trees.architecture(tree) if tree else built_for
    if built_for not in ("", wanted):
        hint = " (tools/lab arm64 builds such programs in .lab/build-arm64)" if wanted == "arm64" else ""
        raise LabError(f"{driver}: {program} is for {built_for}, not for {wanted}{hint}")
    words = _launch_words(driver)
    environment = _environment(driver) | {"KILN_LAUNCH": shlex.join(words)}
    return (words if built_for else []) + [program, *command[1:]], environment


def _architecture_of(path):
    """Debian's name of what a program is for; empty for a script."""
    with open(path, "rb") as file:
        head = file.read(20)
    if head[:4] != b"\x7fELF":
        return ""
    return {62: "amd64", 183: "arm64"}.get(int.from_bytes(head[18:20], "little"), "another machine")


def run(driver, validation, command):
    """Runs a command on a driver. Returns its exit status, or 1 where validation found something."""
    argv, environment = launch(driver, command)
    if not validation:
        sys.stdout.flush()
        os.execve(argv[0], argv, environment)
    return _run_validated(driver, argv, environment)


def _layer_version(driver):
    """Of the validation layer that the driver's loader finds, as (major, minor)."""
    libraries = DRIVERS[driver].libraries
    root = FOLDER / libraries / "usr" if libraries else Path("/usr")
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
