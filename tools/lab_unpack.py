# Unpacks Debian packages into a private folder, without root and without touching the system's own.
"""A private apt configuration downloads a closure of packages; dpkg -x unpacks it into a folder.

The mirror, the proxy and the keyring are those the machine already uses. A tree is made under a
temporary name and renamed when complete, so a tree that exists is whole; its file `.complete` lists
the packages and their versions.
"""
import concurrent.futures
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# What apt's own tools know of Debian (package python-apt-common), on other distributions, too.
TEMPLATE = Path("/usr/share/python-apt/templates/Debian.info")


class LabError(Exception):
    """One line for the user: what is missing and how to get it."""


def say(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


def os_release():
    """The fields of /etc/os-release."""
    text = Path("/etc/os-release").read_text(encoding="utf-8")
    return dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.M))


def _source_uris():
    """URIs of every enabled `deb` source of the machine, in apt's own order."""
    files = [Path("/etc/apt/sources.list")]
    files += sorted(Path("/etc/apt/sources.list.d").glob("*"))
    for file in files:
        if not file.is_file():
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        if file.suffix == ".sources":
            for stanza in re.split(r"\n\s*\n", text):
                if re.search(r"^Types:.*\bdeb\b", stanza, re.M | re.I):
                    for uris in re.findall(r"^URIs:\s*(.+)$", stanza, re.M | re.I):
                        yield from uris.split()
        else:
            yield from re.findall(r"^\s*deb\s+(?:\[[^]]*\]\s*)?(\S+)", text, re.M)


def _template_uris():
    """Mirrors that apt's tools would offer a Debian machine, without encryption: apt checks
    signatures, and certificates may not be installed."""
    if TEMPLATE.is_file():
        text = TEMPLATE.read_text(encoding="utf-8", errors="replace")
        for uri in re.findall(r"^BaseURI:\s*(\S+)$", text, re.M):
            yield re.sub(r"^https:", "http:", uri).rstrip("/")


def mirror():
    """The Debian mirror this machine uses, else the one that apt's tools know."""
    chosen = os.environ.get("KILN_DEBIAN_MIRROR")
    if chosen:
        return chosen
    own = _source_uris() if os_release().get("ID") == "debian" else ()
    for uri in (*own, *_template_uris()):
        if uri.startswith("mirror+file:"):
            lines = Path(uri.removeprefix("mirror+file:")).read_text(encoding="utf-8").split()
            uri = lines[0] if lines else ""
        if re.search(r"/debian/?$", uri):
            return uri
    raise LabError("no mirror of Debian is known here; name one in KILN_DEBIAN_MIRROR, or install "
                   "python-apt-common")


def machine_settings():
    """The machine's proxy and connection settings, as lines of an apt configuration."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    wanted = re.compile(r"^Acquire::(http|https|ForceIPv4|ForceIPv6|Retries)\b")
    return [line for line in dump.splitlines() if wanted.match(line)]


class PrivateApt:
    """An apt of our own in `folder`, for one machine architecture and a few suites."""

    def __init__(self, folder, suites, architecture, source=False):
        if not KEYRING.is_file():
            raise LabError(f"{KEYRING} is missing: install the package debian-archive-keyring")
        self.folder = folder
        for part in ("state/lists/partial", "cache/archives/partial", "dpkg",
                     "etc/apt.conf.d", "etc/preferences.d", "etc/sources.list.d"):
            (folder / part).mkdir(parents=True)
        (folder / "dpkg/status").touch()
        kind = "deb-src" if source else "deb"
        sources = [f"{kind} [signed-by={KEYRING}] {mirror()} {suite} main\n" for suite in suites]
        (folder / "etc/sources.list").write_text("".join(sources), encoding="utf-8")
        lines = machine_settings() + [
            f'Dir "{folder}/";', f'Dir::State "{folder}/state";',
            f'Dir::State::status "{folder}/dpkg/status";', f'Dir::Cache "{folder}/cache";',
            f'Dir::Etc "{folder}/etc";', f'Dir::Etc::sourcelist "{folder}/etc/sources.list";',
            'Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d/";',
            'Dir::Etc::netrc "/etc/apt/auth.conf";', 'Dir::Etc::netrcparts "/etc/apt/auth.conf.d/";',
            f'APT::Architecture "{architecture}";', f'APT::Architectures {{"{architecture}";}};',
            'APT::Install-Recommends "false";', 'APT::Sandbox::User "";',
            'Acquire::Languages "none";', 'Acquire::Check-Valid-Until "false";',
        ]
        conf = folder / "apt.conf"
        conf.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.environment = {**os.environ, "APT_CONFIG": str(conf), "LC_ALL": "C.UTF-8"}
        self._get("update")

    def _get(self, *arguments, cwd=None):
        done = subprocess.run(["apt-get", "-q", "-y", *arguments], env=self.environment, cwd=cwd,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            reasons = re.findall(r"^(?:E|W|Err).*$", done.stdout + done.stderr, re.M)
            raise LabError(f"apt-get {arguments[0]} from {mirror()} failed: "
                           + (reasons[-1] if reasons else f"exit {done.returncode}"))

    def download_closure(self, packages):
        """Packages with everything they depend on; the .deb files."""
        self._get("--no-install-recommends", "--download-only", "install", *packages)
        return sorted((self.folder / "cache/archives").glob("*.deb"))

    def download_alone(self, packages):
        """Packages without their dependencies; the .deb files."""
        self._get("download", *packages, cwd=self.folder / "cache")
        return sorted((self.folder / "cache").glob("*.deb"))

    def download_source(self, package):
        """A source package's version and its archive as the project released it."""
        self._get("source", "--download-only", package, cwd=self.folder / "cache")
        description = next((self.folder / "cache").glob(f"{package}_*.dsc"))
        version = description.stem.partition("_")[2]
        return version, next((self.folder / "cache").glob(f"{package}_*.orig.tar.*z"))


def _unpack(deb, root, only):
    if not only:
        subprocess.run(["dpkg", "-x", deb, root], check=True)
        return
    stream = subprocess.Popen(["dpkg", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", root, "--wildcards", *only], stdin=stream.stdout, check=True)
    stream.stdout.close()
    stream.wait()


def is_complete(tree, recipe):
    """Whether `tree` was made by this very recipe."""
    try:
        return json.loads((tree / ".complete").read_text(encoding="utf-8"))["recipe"] == recipe
    except (OSError, ValueError, KeyError):
        return False


def versions(tree):
    """The packages of a complete tree and their versions."""
    return json.loads((tree / ".complete").read_text(encoding="utf-8"))["packages"]


def make_tree(tree, recipe, architecture, finish=None):
    """Makes `tree` from a recipe, unless it is already complete. Returns True if it was made.

    recipe: a dict of `suites`, and `closure` (packages with all they need) or `alone` (packages by
    themselves) with, optionally, `only` (the paths wanted, as tar patterns). finish: called with
    the unpacked tree before it appears under its name; it may return more packages and versions.
    """
    if is_complete(tree, recipe):
        return False
    tree.parent.mkdir(parents=True, exist_ok=True)
    with open(tree.parent / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_complete(tree, recipe):
            return False
        start = time.monotonic()
        say(f"unpacking {tree.name} from {mirror()} ({', '.join(recipe['suites'])})")
        work = Path(tempfile.mkdtemp(prefix=f".making-{tree.name}-", dir=tree.parent))
        try:
            _fill(work, recipe, architecture, finish)
            if tree.exists():
                tree.rename(work / "old")
            (work / "tree").rename(tree)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        say(f"{tree.name}: {len(versions(tree))} packages in {time.monotonic() - start:.1f} s")
    return True


def _fill(work, recipe, architecture, finish):
    apt = PrivateApt(work / "apt", recipe["suites"], architecture)
    if "closure" in recipe:
        debs = apt.download_closure(recipe["closure"])
    else:
        debs = apt.download_alone(recipe["alone"])
    root = work / "tree"
    root.mkdir()
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        list(pool.map(lambda deb: _unpack(deb, root, recipe.get("only")), debs))
    packages = dict(deb.stem.replace("%3a", ":").split("_")[:2] for deb in debs)
    if finish:
        packages |= finish(root) or {}
    stamp = json.dumps({"recipe": recipe, "packages": packages}, indent=1)
    (root / ".complete").write_text(stamp, encoding="utf-8")
