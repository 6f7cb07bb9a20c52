# Kiln for 64-bit Arm: cross-built from private packages, and a short subset of its tests under qemu.
"""The closest to a phone that runs here: Arm code, 128-bit vectors, and a software driver with
subgroups of 4. Nothing of it is a phone's driver or GPU."""
import os
import resource
import shutil
import signal
import subprocess
import time

import lab_drivers
import lab_trees
import lab_unpack
from lab_trees import FOLDER
from lab_unpack import LabError

BUILD = FOLDER / "build-arm64"
PROGRAMS = BUILD / "bin"
TOOLCHAIN = lab_trees.REPOSITORY / "tools/cmake/aarch64.cmake"
DRIVER = "lavapipe-arm64"
TREES = ["cross", "sysroot-arm64", *lab_drivers.trees_of(DRIVER)]
TARGETS = ["kiln_program", "kiln_tests_models_sampling", "kiln_tests_runtime_weights",
           "kiln_tests_runtime_ops"]
CHECKS = {  # name: (program in the build folder, arguments)
    "samplers": ("kiln_tests_models_sampling", ["--gtest_filter=-*Everywhere*"]),  # too many
    "weight files": ("kiln_tests_runtime_weights", []),
    "operations on the driver": ("kiln_tests_runtime_ops", [
        "--gtest_filter=Elementwise.*:GroupNorm.AgreesWithDouble:Linear.TakesOver*:ToRgb8.*"]),
    "golden picture": ("kiln", ["verify", "--golden", "tests/golden/sd15-tiny"]),
}
# Seconds of processor time for one check: emulated code is 10 to 30 times slower, and a machine that
# does something else besides must not make a check fail. A check that only waits has the other one.
CPU_LIMIT, TIME_LIMIT = 1800, 3600


def missing():
    """Why the build is impossible, or an empty string."""
    if lab_trees.machine() != "amd64":
        return "part arm64 is for x86-64 machines: build here with tools/build instead"
    reasons = [lab_trees.why_missing(tree) for tree in TREES]
    reasons += [f"{tool} is missing (tools/setup build installs it)"
                for tool in ("cmake", "ninja") if shutil.which(tool) is None]
    return next(filter(None, reasons), "")


def _run_quietly(command, what):
    done = subprocess.run(command, cwd=lab_trees.REPOSITORY, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)
    if done.returncode != 0:
        lines = done.stdout.splitlines()
        faults = [line for line in lines if "error" in line.lower()] or lines[-20:]
        raise LabError(f"{what} failed:\n" + "\n".join(faults[:20]))


def build(targets):
    """Builds targets for aarch64 in the private folder; nothing is done twice."""
    reason = missing()
    if reason:
        raise LabError(reason)
    if not (BUILD / "build.ninja").is_file():
        lab_unpack.say("configuring for aarch64")
        command = ["cmake", "-G", "Ninja", "-S", lab_trees.REPOSITORY, "-B", BUILD,
                   "-DCMAKE_BUILD_TYPE=Release", "-DKILN_TESTS=ON", f"-DKILN_LAB={FOLDER}",
                   f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAIN}"]
        if shutil.which("ccache"):
            command.append("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
        _run_quietly(command, "configuring for aarch64")
    lab_unpack.say("building for aarch64 (minutes the first time)")
    jobs = str(min(os.cpu_count() or 1, 4))
    _run_quietly(["ninja", "-C", BUILD, "-j", jobs, *targets], "building for aarch64")


def _program(name):
    found = [path for path in BUILD.rglob(name) if path.is_file() and os.access(path, os.X_OK)]
    if not found:
        raise LabError(f"{name} was not built in {BUILD}")
    return str(found[0])


def _limit_processor_time():
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT, CPU_LIMIT + 5))


def check():
    """Runs the subset. Returns 0, or 1 where a check fails; each is a line with its seconds."""
    worst = 0
    for name, (program, arguments) in CHECKS.items():
        argv, environment = lab_drivers.launch(DRIVER, [_program(program), *arguments])
        start = time.monotonic()
        try:
            done = subprocess.run(argv, env=environment, cwd=lab_trees.REPOSITORY, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=TIME_LIMIT, check=False,
                                  preexec_fn=_limit_processor_time)
            status, output = done.returncode, done.stdout
            if status in (-signal.SIGXCPU, -signal.SIGKILL):
                output += f"\nover {CPU_LIMIT} s of processor time"
        except subprocess.TimeoutExpired as late:
            output = (late.stdout or b"").decode(errors="replace")
            status, output = 1, f"{output}\nover {TIME_LIMIT} s"
        verdict = "passed" if status == 0 else f"FAILED with {status}"
        print(f"aarch64 under qemu: {name:26} {verdict:8} {time.monotonic() - start:6.1f} s",
              flush=True)
        if status != 0:
            print("\n".join(output.splitlines()[-40:]))
            worst = 1
    return worst
