#!/usr/bin/env bash
# Checks of the text itself: layers, sizes, format, machine paths.
set -euo pipefail
cd "$(dirname "$0")/.."

python3 tools/check_layers.py
python3 tools/check_size.py
files=$(git ls-files '*.h' '*.cpp')
# shellcheck disable=SC2086  # a list of names without spaces
if [ -n "$files" ]; then clang-format --dry-run -Werror $files; fi
if git grep -nIE '(^|[^a-z.])/(work|home|root)/|https?://(deb|registry)' -- ':!tools/check.sh'; then
  echo "check: the lines above name a path or host of one machine" >&2
  exit 1
fi
if git grep -nIE 'TODO|FIXME|XXX' -- ':!tools/check.sh' ':!*.md'; then
  echo "check: the lines above are unfinished" >&2
  exit 1
fi
echo "check: layers, sizes, format and paths are in order"
