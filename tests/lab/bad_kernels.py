"""Kernels that spill, hang or crash a compiler, or need what a device lacks, each get a clear line.

bad_kernels.py LAB KILN FOLDER: FOLDER holds fine.spv, spills.spv, crashes.spv and slow.spv, all of
kernels/many_values.comp. Exits 77 where a driver is missing.
"""
import json
import re
import resource
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77
COOPERATIVE_MATRIX = 6022  # capability; SPV_KHR_cooperative_matrix
STACK_BYTES = 8 << 20


def with_capability(module, capability):
    """A module that declares one capability more: OpCapability stands first, after the header."""
    words = struct.unpack(f"<{len(module) // 4}I", module)
    return struct.pack(f"<{len(words) + 2}I", *words[:5], 2 << 16 | 17, capability, *words[5:])


class Compiler:
    def __init__(self, lab, kiln):
        self.lab, self.kiln, self.failed = lab, kiln, []

    def compile(self, driver, modules, *more):
        """Exit status and standard output of `kiln compile` on modules."""
        command = [self.lab, "run", driver, "--skip", "--", self.kiln, "compile", *more]
        for module in modules:
            command += ["--module", str(module)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode == SKIPPED:
            print(done.stdout.strip())
            sys.exit(SKIPPED)
        return done.returncode, done.stdout

    def expect(self, name, driver, modules, pattern, *more):
        """A failure, with a line that fits the pattern, and fine.spv made nevertheless."""
        status, out = self.compile(driver, modules, *more)
        line = re.search(pattern, out, re.M)
        fine = re.search(r"^      +\d.* fine\.spv F32 \[\]$", out, re.M)
        if status == 1 and line and fine:
            print(f"{name} on {driver}: {line.group(0).strip()}")
            return
        self.failed.append(name)
        print(f"{name} on {driver}: exit {status}, expected 1, a line like /{pattern}/ and fine.spv"
              f" made:\n{out}")


def main():
    lab, kiln, folder = sys.argv[1:]
    folder = Path(folder)
    # One of the compilers overflows its stack: it must not be larger than usual.
    limit = resource.getrlimit(resource.RLIMIT_STACK)[1]
    if limit == resource.RLIM_INFINITY or limit > STACK_BYTES:
        resource.setrlimit(resource.RLIMIT_STACK, (STACK_BYTES, limit))
    compiler = Compiler(lab, kiln)
    fine = folder / "fine.spv"
    for driver in ("navi31", "apple", "adreno-740"):
        compiler.expect("a kernel that spills", driver, [folder / "spills.spv", fine],
                        r"^SPILL .* spills\.spv F32 \[\]$")
    compiler.expect("a kernel that hangs the compiler", "navi31", [folder / "slow.spv", fine],
                    r"^ +slow\.spv F32 \[\]: the compiler took more than 3 s and was stopped$",
                    "--timeout", "3")
    compiler.expect("a kernel that crashes the compiler", "apple", [folder / "crashes.spv", fine],
                    r"^ +crashes\.spv F32 \[\]: the compiler crashed: Segmentation fault")
    with tempfile.TemporaryDirectory() as own:
        matrix = Path(own) / "cooperative_matrix.spv"
        matrix.write_bytes(with_capability(fine.read_bytes(), COOPERATIVE_MATRIX))
        compiler.expect("a kernel that needs what navi21 lacks", "navi21", [matrix, fine],
                        r"^REFUSED: cooperative_matrix\.spv: the device lacks cooperative matrices$")
        status, out = compiler.compile("navi21", [matrix], "--json")
        if status != 1 or json.loads(out)["pipelines"]:
            compiler.failed.append("the driver was asked")
        texts = Path(own) / "texts"
        status, _ = compiler.compile("navi31", [fine], "--disassembly", str(texts))
        files = [path.name for path in texts.iterdir()]
        if status != 0 or files != ["fine.spv_F32.txt"] or "s_endpgm" not in (
                texts / files[0]).read_text():
            compiler.failed.append(f"disassembly: exit {status}, files {files}")
    for name in compiler.failed:
        print(f"failed: {name}")
    return 1 if compiler.failed else 0


if __name__ == "__main__":
    sys.exit(main())
