#!/bin/sh
# Unpacks PyTorch and NumPy of Debian sid into a private folder; needs no root and leaves the system untouched.
# Usage: setup_torch.sh [FOLDER]   (default: $HOME/.cache/kiln-torch); then FOLDER/python runs scripts with torch.
set -eu

root=${1:-$HOME/.cache/kiln-torch}
suite=${KILN_TORCH_SUITE:-sid}
keyring=${KILN_DEBIAN_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}

# The mirror that this machine already uses, from either format of apt sources.
mirror=${KILN_DEBIAN_MIRROR:-$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    awk '$1 == "URIs:" && $2 ~ /debian\/?$/ { print $2; exit }
         $1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /:\/\/.*debian\/?$/) { print $i; exit } }')}
if [ -z "$mirror" ]; then
    echo "setup_torch.sh: no Debian mirror in the apt sources; set KILN_DEBIAN_MIRROR" >&2
    exit 1
fi

mkdir -p "$root"
root=$(cd "$root" && pwd)
apt=$root/.apt
mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/dpkg" \
    "$apt/etc/apt.conf.d" "$apt/etc/preferences.d" "$apt/etc/sources.list.d"
: >"$apt/dpkg/status"
cat >"$apt/apt.conf" <<CONF
Dir "$apt/";
Dir::State "$apt/state";
Dir::State::status "$apt/dpkg/status";
Dir::Cache "$apt/cache";
Dir::Etc "$apt/etc";
Dir::Etc::sourcelist "$apt/etc/sources.list";
Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d/";
APT::Architecture "amd64";
APT::Architectures {"amd64";};
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
CONF
echo "deb [signed-by=$keyring] $mirror $suite main" >"$apt/etc/sources.list"

export APT_CONFIG="$apt/apt.conf"
apt-get -q update
apt-get -q -y --no-install-recommends --download-only install \
    python3-torch python3-numpy libopenblas0-pthread
for package in "$apt"/cache/archives/*.deb; do
    dpkg -x "$package" "$root"
done
rm -f "$apt"/cache/archives/*.deb

# The alternatives system does not run here, so the BLAS folder is named on the library path.
library=$root/usr/lib/x86_64-linux-gnu
python=$(basename "$(ls "$root"/usr/bin/python3.[0-9]* | grep -v config | head -n 1)")
cat >"$root/python" <<RUN
#!/bin/sh
export PYTHONHOME="$root/usr" PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH="$root/usr/lib/python3/dist-packages\${KILN_PYTHONPATH:+:\$KILN_PYTHONPATH}"
exec "$library/ld-linux-x86-64.so.2" --library-path "$library/openblas-pthread:$library:$root/usr/lib" \\
    "$root/usr/bin/$python" "\$@"
RUN
chmod +x "$root/python"
"$root/python" -c 'import numpy, torch; print("torch", torch.__version__, "numpy", numpy.__version__)'
