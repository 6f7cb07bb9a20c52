#!/usr/bin/env python3
# Every driver of the private folder starts, is the device it is named after, and states sane limits.
"""usage: every_device.py TOOLS_FOLDER KILN; exits 77 where only the system's driver is there."""
import json
import re
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
tools, kiln = Path(sys.argv[1]), sys.argv[2]
sys.path.insert(0, str(tools))

import lab_arm64  # noqa: E402
import lab_drivers  # noqa: E402
import lab_trees  # noqa: E402
from lab_table import DRIVERS  # noqa: E402

# A part of the device's name, and what it must say: (subgroup sizes, shared KiB, must it have
# 16-bit storage). From the drivers' sources and documents, not from this program.
EXPECTED = {
    "lavapipe-4": ("llvmpipe", (4, 4), 32, True),
    "lavapipe-8": ("llvmpipe", (8, 8), 32, True),
    "lavapipe-16": ("llvmpipe", (16, 16), 32, True),
    "swiftshader": ("SwiftShader", (4, 4), 32, False),
    "vega10": ("VEGA10", (64, 64), 64, True),
    "navi10": ("NAVI10", (32, 64), 64, True),
    "navi21": ("NAVI21", (32, 64), 64, True),
    "navi31": ("NAVI31", (32, 64), 64, True),
    "strix1": ("STRIX1", (32, 64), 64, True),
    "gfx1201": ("GFX1201", (32, 64), 64, True),
    "pascal": ("NVK", (32, 32), 48, True),
    "turing": ("NVK", (32, 32), 48, True),
    "ampere": ("NVK", (32, 32), 48, True),
    "adreno-630": ("Adreno (TM) 630", (64, 128), 32, False),
    "adreno-660": ("Adreno (TM) 660", (64, 128), 32, True),
    "adreno-740": ("Adreno (TM) 740", (64, 128), 32, True),
    "adreno-830": ("Adreno (TM) 830", (64, 64), 32, True),
    "apple": ("Apple M1", (32, 32), 32, True),
    "kbl": ("KBL", (8, 32), 48, True),
    "tgl": ("TGL", (8, 32), 48, True),
    "dg2": ("DG2", (8, 32), 48, True),
    "bmg": ("BMG", (16, 32), 48, True),
    "mali-g52": ("Mali-G52", (8, 8), 32, True),
    "mali-g610": ("Mali-G610", (16, 16), 32, True),
    "mali-g720": ("Mali-G720", (16, 16), 32, True),
    "v3d": ("V3D 7.1", (16, 16), 32, True),
    "powervr": ("BXS-4-64", (1, 1), 16, False),
    "lavapipe-arm64": ("llvmpipe", (4, 4), 32, True),
}


def numbers(pattern, facts):
    found = re.search(pattern, facts, re.M)
    return [int(number) for number in found.groups()] if found else None


def faults(name, device):
    """What is wrong with a device's own words."""
    facts = device["facts"]
    if device["refused"]:
        yield f"cannot be used: {device['refused']}"
    sizes = numbers(r"^subgroups: (\d+) \((\d+) to (\d+)", facts)
    groups = numbers(r"^workgroups: (\d+) invocations, (\d+) KiB", facts)
    buffers = numbers(r"^storage buffers: (\d+) a kernel, (\d+) MiB", facts)
    memory = [int(size) for size in re.findall(r"^memory: (\d+) MiB", facts, re.M)]
    if None in (sizes, groups, buffers):
        yield f"facts are missing in {facts!r}"
        return
    if not sizes[1] <= sizes[0] <= sizes[2]:
        yield f"a subgroup of {sizes[0]} is not between {sizes[1]} and {sizes[2]}"
    if groups[0] < 128 or groups[1] < 16 or buffers[0] < 4 or buffers[1] < 128:
        yield f"a limit below what Vulkan promises: {groups}, {buffers}"
    if not memory or max(memory) < 256:
        yield f"no memory to speak of: {memory} MiB"
    if name not in EXPECTED:
        return
    part, subgroups, shared, halves = EXPECTED[name]
    if part not in device["name"]:
        yield f"is named {device['name']!r}, not {part!r}"
    if tuple(sizes[1:]) != subgroups:
        yield f"subgroups of {sizes[1]} to {sizes[2]}, not of {subgroups}"
    if groups[1] != shared:
        yield f"{groups[1]} KiB shared, not {shared}"
    if ("16-bit storage" in facts) != halves:
        yield f"16-bit storage: {not halves}, expected {halves}"


def program_for(name):
    tree = DRIVERS[name].libraries
    foreign = tree and lab_trees.architecture(tree) != lab_trees.machine()
    return lab_arm64.PROGRAMS / "kiln" if foreign else Path(kiln)


def main():
    tried, wrong = 0, 0
    for name in DRIVERS:
        reason = lab_drivers.missing(name)
        if not reason and not program_for(name).is_file():
            reason = "no Kiln for its architecture (tools/lab arm64)"
        if reason:
            print(f"{name:14} skipped: {reason}")
            continue
        tried += name != "system"
        argv, environment = lab_drivers.launch(name, [program_for(name), "devices", "--json"])
        done = subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=60, check=False)
        if done.returncode != 0:
            found = [f"kiln devices ended with {done.returncode}: {done.stderr.strip()[-300:]}"]
        else:
            devices = json.loads(done.stdout)
            found = [fault for device in devices for fault in faults(name, device)]
            found += [] if len(devices) == 1 else [f"{len(devices)} devices instead of one"]
        print(f"{name:14} {'; '.join(found) or 'in order'}")
        wrong += bool(found)
    if wrong:
        return 1
    return 0 if tried else 77


if __name__ == "__main__":
    sys.exit(main())
