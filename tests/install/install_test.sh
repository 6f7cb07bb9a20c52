#!/usr/bin/env bash
# Installs into a fresh folder, builds apps/embed against it both ways, and makes a picture.
# usage: install_test.sh SOURCE BUILD MODEL
set -euo pipefail
source=$1 build=$2 model=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
read -ra launch <<<"${KILN_LAUNCH:-}"

cmake --install "$build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }
library=$(dirname "$(find "$work/prefix" -name libkiln.so)")

cmake -G Ninja -S "$source/apps/embed" -B "$work/embed" -DCMAKE_PREFIX_PATH="$work/prefix" \
  -DCMAKE_BUILD_TYPE=Release >"$work/log" && ninja -C "$work/embed" >"$work/log" ||
  { cat "$work/log"; exit 1; }

export PKG_CONFIG_PATH=$library/pkgconfig
read -ra flags <<<"$(pkg-config --cflags --libs kiln)"
c++ -std=c++20 "$source/apps/embed/embed.cpp" -o "$work/embed_pkg_config" "${flags[@]}" \
  -Wl,-rpath,"$library"

"${launch[@]}" "$work/embed/embed" "$model" "a lighthouse" "$work/one.png"
"${launch[@]}" "$work/embed_pkg_config" "$model" "a lighthouse" "$work/two.png"
cmp "$work/one.png" "$work/two.png"
"${launch[@]}" "$work/prefix/bin/kiln" info "$work/one.png" >/dev/null

# The installed program finds the model that was installed with it.
if [ -d "$source/models/bundled" ]; then
  (cd / && env -u KILN_MODEL XDG_DATA_HOME="$work" "$work/prefix/bin/kiln" info) |
    grep -q "^$work/prefix/share/kiln/models/bundled: " ||
    { echo "the installed program does not use the installed model"; exit 1; }
fi

# What goes wrong is one line and exit 1.
status=0
message=$("${launch[@]}" "$work/embed/embed" "$work/absent" "a lighthouse" "$work/three.png" 2>&1) ||
  status=$?
[ "$status" = 1 ] && [ "$(wc -l <<<"$message")" = 1 ] && [ ! -e "$work/three.png" ] ||
  { echo "a missing model: exit $status: $message"; exit 1; }
