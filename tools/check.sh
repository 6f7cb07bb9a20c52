#!/usr/bin/env bash
# Checks of the text itself: layers, sizes, format, machine paths, unfinished work. Takes seconds.
set -uo pipefail
cd "$(dirname "$0")/.."

status=0
failed() {
  echo "check: $1" >&2
  status=1
}
# Lines of tracked files that match an extended expression, the rules' own file aside.
lines_with() { git grep -nIE "$1" -- ':!tools/check.sh' "${@:2}"; }

python3 tools/check_layers.py || failed "the lines above break the layer rule"
python3 tools/check_size.py || failed "the files above break a size budget"

git ls-files -z '*.h' '*.cpp' | xargs -0 -P "$(nproc)" -n 16 clang-format --dry-run -Werror ||
  failed "format the files above with clang-format -i"

# A first line that states the file's duty; a script's comes after its interpreter.
while IFS= read -r file; do
  head -n 2 "$file" | grep -qE '^(//|#|""")( |!|[A-Z])' ||
    { echo "$file" >&2; failed "the file above does not begin with its duty"; }
done < <(git ls-files '*.h' '*.cpp' '*.comp' '*.glsl' '*.py' '*.sh' '*.cmake' '*CMakeLists.txt')

if lines_with '(^|[^A-Za-z0-9_.$})/-])/(work|home)/[a-z]' ':!tests/golden'; then
  failed "the lines above name a path of one machine"
fi
if lines_with '\b(TODO|FIXME|XXX)\b'; then
  failed "the lines above are unfinished"
fi
[ "$status" -ne 0 ] || echo "check: layers, sizes, format and paths are in order"
exit "$status"
