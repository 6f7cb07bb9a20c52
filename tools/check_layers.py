# Who may include whom: compares every #include with the table of runtime/README.md.

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Folder -> folders it may include, besides itself. "kernels" are the generated headers.
ALLOWED = {
    "runtime/base": [],
    "runtime/graph": ["runtime/base"],
    "runtime/ops": ["runtime/base", "runtime/graph", "kernels"],
    "runtime/weights": ["runtime/base", "runtime/graph"],
    "runtime/vulkan": ["runtime/base", "runtime/graph"],
    "runtime/execution": ["runtime/base", "runtime/graph", "runtime/vulkan"],
    # The CPU's answers: tests and `kiln verify` ask them; libkiln never does.
    "runtime/reference": ["runtime/base", "runtime/graph", "runtime/ops"],
    # A device against those answers; as little part of libkiln.
    "runtime/verification": ["runtime/base", "runtime/graph", "runtime/ops", "runtime/execution",
                             "runtime/reference", "kernels"],
    "models/nn": ["runtime/base", "runtime/graph", "runtime/ops", "runtime/weights"],
    "models/clip": ["models/nn", "runtime/ops", "runtime/graph", "runtime/base", "runtime/weights"],
    "models/unet": ["models/nn", "runtime/ops", "runtime/graph", "runtime/base", "runtime/weights"],
    "models/vae": ["models/nn", "runtime/ops", "runtime/graph", "runtime/base", "runtime/weights"],
    # Its scheduler_config.cpp reads JSON through the weights layer's checked reader.
    "models/sampling": ["runtime/base", "runtime/graph", "runtime/weights", "kernels"],
    "models/families": ["models/clip", "models/unet", "models/vae", "models/sampling",
                        "runtime/weights", "runtime/base", "runtime/graph"],
    "models/pipeline": ["models/", "runtime/weights", "runtime/execution", "runtime/graph",
                        "runtime/base", "runtime/ops", "kernels"],
    # The networks as tapes for runtime/verification; no part of libkiln.
    "models/tapes": ["models/clip", "models/unet", "models/vae", "models/families",
                     "runtime/verification", "runtime/reference", "runtime/ops", "runtime/weights",
                     "runtime/graph", "runtime/base"],
    # `kiln verify`, `plan` and `info` look inside; everything else uses models/pipeline/kiln.h.
    "apps": ["models/", "runtime/weights", "runtime/execution", "runtime/graph", "runtime/base",
             "runtime/ops", "runtime/reference", "runtime/verification", "kernels", "kiln/"],
}
# Folders only these may name the Vulkan header in.
VULKAN = ("runtime/vulkan",)


def folder_of(name):
    for folder in ALLOWED:
        if name.startswith(folder + "/"):
            return folder
    return None


def problems():
    for path in sorted([*ROOT.glob("runtime/**/*.[hc]*"), *ROOT.glob("models/**/*.[hc]*"),
                        *ROOT.glob("apps/**/*.[hc]*")]):
        name = path.relative_to(ROOT).as_posix()
        folder = folder_of(name)
        if folder is None or path.suffix not in (".h", ".cpp"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'#include ["<]([^">]+)[">]', line)
            if not found:
                continue
            target = found.group(1)
            if target.startswith("vulkan/") and not name.startswith(VULKAN):
                yield f"{name}:{number}: only {VULKAN[0]} may include {target}"
            if not target.startswith(("runtime/", "models/", "apps/", "tests/", "kernels/")):
                continue
            allowed = [folder + "/", *(a if a.endswith("/") else a + "/" for a in ALLOWED[folder])]
            if not target.startswith(tuple(allowed)):
                yield f"{name}:{number}: {folder} may not include {target}"


def main():
    found = list(problems())
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
