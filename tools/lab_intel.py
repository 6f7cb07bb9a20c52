# Builds the stand-in for Intel's kernel driver, which Debian does not ship, from Debian's own source.
"""Mesa's source package of the stable release is downloaded, checked by apt, and one library of it
is compiled (about 75 s). It speaks the kernel's stable interface, so it drives newer drivers, too.
Everything but the library is thrown away; the machine needs only its C compiler and ninja.
"""
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import lab_finish
import lab_unpack
from lab_unpack import LabError

# Meson and the modules it needs run from their sources; the other tools are programs of the oldest
# supported release.
TREE = {
    "suites": ["bookworm", "trixie"],
    "alone": ["meson/trixie", "python3-mako/trixie", "python3-markupsafe/trixie",
              "python3-yaml/trixie", "python3-packaging/trixie", "flex/bookworm",
              "bison/bookworm", "m4/bookworm", "libsigsegv2/bookworm", "libdrm-dev/bookworm",
              "libdrm2/bookworm", "libexpat1-dev/bookworm", "libexpat1/bookworm",
              "zlib1g-dev/bookworm", "zlib1g/bookworm"],
    "source": "trixie mesa",
}
OPTIONS = [
    "--buildtype=release", "-Dtools=drm-shim,intel", "-Dvulkan-drivers=", "-Dgallium-drivers=",
    "-Dplatforms=", "-Dopengl=false", "-Dgles1=disabled", "-Dgles2=disabled", "-Degl=disabled",
    "-Dglx=disabled", "-Dgbm=disabled", "-Dllvm=disabled", "-Dintel-rt=disabled",
    "-Dzstd=disabled", "-Dvideo-codecs=",
]
SHIM = "src/intel/tools/libintel_noop_drm_shim.so"


def build(tree, architecture):
    """Replaces the unpacked build tools by the library. Returns the source package's version."""
    for program in ("ninja", "cc", "c++", "pkg-config"):
        if shutil.which(program) is None:
            raise LabError(f"the part intel needs {program} (tools/setup build installs it)")
    work = tree.parent
    suite, package = TREE["source"].split()
    apt = lab_unpack.PrivateApt(work / "source-apt", [suite], architecture, source=True)
    version, archive = apt.download_source(package)
    with tarfile.open(archive) as source:
        top = Path(source.getnames()[0]).parts[0]
        source.extractall(work, filter="data")
    lab_finish.sysroot(tree)
    libraries = next((tree / "usr/lib").glob("*-linux-gnu"))
    for tool in ("flex", "bison", "m4"):
        lab_finish.write_script(tree, tool, f'LD_LIBRARY_PATH="$root/usr/lib/{libraries.name}" exec')
    environment = _environment(tree, libraries)
    lab_unpack.say(f"building Intel's stand-in from the sources of mesa {version} (a minute or two)")
    out = work / "build"
    _run([sys.executable, "-m", "mesonbuild.mesonmain", "setup", out, work / top, *OPTIONS],
         environment, work)
    _run(["ninja", "-C", out, SHIM], environment, work)
    for part in list(tree.iterdir()):
        shutil.rmtree(part)
    target = tree / "usr/lib" / libraries.name
    target.mkdir(parents=True)
    shutil.copy2(out / SHIM, target)
    shutil.copy2(work / top / "docs/license.rst", tree)
    return {"mesa (source)": version}


def _environment(tree, libraries):
    modules = tree / "usr/lib/python3/dist-packages"
    return {**os.environ, "PYTHONPATH": str(modules), "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": f"{tree}/bin:{os.environ['PATH']}", "M4": f"{tree}/bin/m4",
            "BISON_PKGDATADIR": f"{tree}/usr/share/bison", "LC_ALL": "C.UTF-8",
            "PKG_CONFIG_SYSROOT_DIR": str(tree), "PKG_CONFIG_PATH": "",
            "PKG_CONFIG_LIBDIR": f"{libraries}/pkgconfig:{tree}/usr/share/pkgconfig"}


def _run(command, environment, work):
    """Runs quietly; a failure's last lines become the error."""
    done = subprocess.run(command, env=environment, cwd=work, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)
    if done.returncode != 0:
        tail = "\n".join(done.stdout.rstrip().splitlines()[-15:])
        raise LabError(f"the part intel failed to build:\n{tail}")
