# The private folder's parts and the Vulkan drivers in them, as plain tables.
"""A tree is a set of unpacked packages; a driver is a tree's Vulkan driver plus settings.

Most drivers only compile: a no-op kernel interface stands in for the hardware (Mesa's drm-shim, put
before the program by the dynamic loader's --preload). Their memory sizes, clocks and core counts
are stand-ins. The ids are those that Mesa 26.1 accepts.
"""
from typing import NamedTuple, Optional

import lab_intel

MANIFESTS = "usr/share/vulkan/icd.d/"

# See lab_unpack.make_tree for the fields; `option` is what `tools/lab make` needs to make the tree
# (none: always made), and `architecture` is set where it is not the machine's own.
TREES = {
    "trixie": {  # the newest Mesa for the stable release
        "suites": ["trixie", "trixie-backports"],
        "closure": ["mesa-vulkan-drivers/trixie-backports", "mesa-drm-shim/trixie-backports",
                    "libvulkan1", "libvulkan-dev", "vulkan-validationlayers", "vulkan-tools",
                    "spirv-tools", "glslang-tools"],
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
    "trixie-arm64": {
        "architecture": "arm64",
        "suites": ["trixie", "trixie-backports"],
        "closure": ["mesa-vulkan-drivers/trixie-backports", "mesa-drm-shim/trixie-backports",
                    "libvulkan1"],
    },
    "sid-arm64": {  # the first Mesa whose stand-in for V3D works
        "architecture": "arm64",
        "suites": ["sid"],
        "closure": ["mesa-vulkan-drivers", "mesa-drm-shim", "libvulkan1"],
    },
    "intel": lab_intel.TREE,
    "qemu": {
        "suites": ["trixie"],
        "alone": ["qemu-user"],
        "only": ["./usr/bin/qemu-aarch64", "./usr/share/doc/*/copyright"],
    },
    "cross": {  # the oldest supported release's compiler runs on every newer one
        "suites": ["bookworm"],
        "closure": ["g++-aarch64-linux-gnu"],
    },
    "sysroot-arm64": {  # what tools/cmake/dependencies.cmake asks for, and its shared libraries
        "architecture": "arm64",
        "suites": ["bookworm"],
        "alone": ["libvulkan-dev", "libvulkan1", "libfmt-dev", "libfmt9", "nlohmann-json3-dev",
                  "libcli11-dev", "liblodepng-dev", "liblodepng0", "libjpeg62-turbo-dev",
                  "libjpeg62-turbo", "libutf8proc-dev", "libutf8proc2", "zlib1g-dev", "zlib1g",
                  "libgtest-dev", "libgmock-dev"],
    },
}
OPTIONS = {  # of `tools/lab make`: (the trees it adds, help)
    "swiftshader": (["swiftshader"], "SwiftShader (27 MB)"),
    "sid": (["sid"], "the newest lavapipe (80 MB)"),
    "intel": (["intel"], "Intel: a stand-in is built from source (60 MB, about two minutes)"),
    "arm64": (["trixie-arm64", "sid-arm64", "qemu", "cross", "sysroot-arm64"],
              "Mali, PowerVR, V3D, and a build of Kiln for aarch64, all under qemu (250 MB)"),
}


class Driver(NamedTuple):
    """How a program runs on one driver."""

    title: str
    libraries: Optional[str]  # tree with the Vulkan loader and the C library; None: the system's
    tree: Optional[str]  # tree with the driver
    manifest: str  # of the driver, within its tree; a pattern
    settings: dict  # environment variables
    shim: str = ""  # library that stands in for the kernel driver
    shim_tree: str = ""  # where it lies, if not in `libraries`
    executes: bool = False  # False: pipelines compile, dispatches do nothing


def _lavapipe(tree, settings, title):
    return Driver(title, tree, tree, MANIFESTS + "lvp_icd*.json", settings, executes=True)


def _radeon(name, title):
    return Driver(title, "trixie", "trixie", MANIFESTS + "radeon_icd*.json", {"AMDGPU_GPU_ID": name},
                  "libamdgpu_noop_drm_shim.so")


def _nouveau(chipset, title):
    return Driver(title, "trixie", "trixie", MANIFESTS + "nouveau_icd*.json",
                  {"NOUVEAU_CHIPSET": chipset}, "libnouveau_noop_drm_shim.so")


def _adreno(number):
    return Driver(f"Qualcomm Adreno {number}", "trixie", "trixie", MANIFESTS + "freedreno_icd*.json",
                  {"FD_GPU_ID": number}, "libfreedreno_noop_drm_shim.so")


def _intel(platform, title):
    return Driver(title, "trixie", "trixie", MANIFESTS + "intel_icd*.json",
                  {"INTEL_STUB_GPU_PLATFORM": platform}, "libintel_noop_drm_shim.so", "intel")


def _mali(number, identity, more=None):
    settings = {"PAN_I_WANT_A_BROKEN_VULKAN_DRIVER": "1", "PAN_GPU_ID": identity, **(more or {})}
    return Driver(f"Arm Mali {number}", "trixie-arm64", "trixie-arm64",
                  MANIFESTS + "panfrost_icd*.json", settings, "libpanfrost_noop_drm_shim.so")


DRIVERS = {
    "lavapipe": _lavapipe("trixie", {}, "CPU, the machine's own vector width"),
    "lavapipe-4": _lavapipe("trixie", {"LP_NATIVE_VECTOR_WIDTH": "128"}, "CPU, subgroups of 4"),
    "lavapipe-8": _lavapipe("trixie", {"LP_NATIVE_VECTOR_WIDTH": "256"}, "CPU, subgroups of 8"),
    "lavapipe-16": _lavapipe("trixie", {"LP_NATIVE_VECTOR_WIDTH": "512"}, "CPU, subgroups of 16"),
    "lavapipe-sid": _lavapipe("sid", {}, "CPU, the newest Mesa"),
    "swiftshader": Driver("CPU, a minimal device", "trixie", "swiftshader",
                          "swiftshader_icd.json", {}, executes=True),
    "system": Driver("CPU, the system's own Mesa", None, None, "", {}, executes=True),
    "vega10": _radeon("vega10", "AMD Vega, GFX9"),
    "navi10": _radeon("navi10", "AMD RDNA1"),
    "navi21": _radeon("navi21", "AMD RDNA2"),
    "navi31": _radeon("navi31", "AMD RDNA3"),
    "strix1": _radeon("strix1", "AMD RDNA3.5, integrated"),
    "gfx1201": _radeon("gfx1201", "AMD RDNA4"),
    "pascal": _nouveau("0x134", "NVIDIA Pascal"),
    "turing": _nouveau("0x162", "NVIDIA Turing, SM75"),
    "ampere": _nouveau("0x172", "NVIDIA Ampere, SM86"),
    "adreno-630": _adreno("630"),
    "adreno-660": _adreno("660"),
    "adreno-740": _adreno("740"),
    "adreno-830": _adreno("830"),
    "apple": Driver("Apple M1", "trixie", "trixie", MANIFESTS + "asahi_icd*.json", {},
                    "libasahi_noop_drm_shim.so"),
    "kbl": _intel("kbl", "Intel Kaby Lake, Gen9.5"),
    "tgl": _intel("tgl", "Intel Tiger Lake, Xe-LP"),
    "dg2": _intel("dg2", "Intel Arc Alchemist, Xe-HPG"),
    "bmg": _intel("bmg", "Intel Arc Battlemage, Xe2"),
    "mali-g52": _mali("G52", "7212", {"MESA_VK_VERSION_OVERRIDE": "1.2"}),  # it says 1.0
    "mali-g610": _mali("G610", "a867"),
    "mali-g720": _mali("G720", "c800:4"),
    "v3d": Driver("Raspberry Pi 5, V3D 7.1", "sid-arm64", "sid-arm64",
                  MANIFESTS + "broadcom_icd*.json", {"V3D_GPU_ID": "71"},
                  "libv3d_noop_drm_shim.so"),
    "powervr": Driver("Imagination BXS-4-64", "trixie-arm64", "trixie-arm64",
                      MANIFESTS + "powervr*_icd*.json", {"PVR_I_WANT_A_BROKEN_VULKAN_DRIVER": "1"},
                      "libpowervr_noop_drm_shim.so"),
    "lavapipe-arm64": _lavapipe("trixie-arm64", {}, "CPU, aarch64 under qemu"),
}
