#!/usr/bin/env bash
# Runs a command of the README as on a bare machine: a fresh minimal system, a clone of HEAD.
# usage (as root): tools/bare_machine.sh [--suite NAME] [--keep] FOLDER [COMMAND...]
#   FOLDER   where the system is made (several GB); removed at the end unless --keep, and reused
#            when it is there already
#   COMMAND  run in the clone; default: tools/test
set -euo pipefail
cd "$(dirname "$0")/.."

suite=bookworm keep=
while [ $# -gt 0 ]; do
  case $1 in
    --suite) suite=$2; shift 2 ;;
    --keep) keep=1; shift ;;
    *) break ;;
  esac
done
[ $# -gt 0 ] || { sed -n '3,6s/^# //p' "$0" >&2; exit 2; }
folder=$(realpath -m "$1")
shift
command=("$@")
[ $# -gt 0 ] || command=(tools/test)
[ "$(id -u)" -eq 0 ] || { echo "bare_machine: needs root for chroot" >&2; exit 1; }

mirror=$(python3 -c 'import sys; sys.dont_write_bytecode = True; sys.path.insert(0, "tools")
import lab_unpack; print(lab_unpack.mirror())')
say() { printf 'bare_machine: %4d s: %s\n' "$SECONDS" "$1" >&2; }

if [ ! -e "$folder/etc/debian_version" ]; then
  say "making $suite in $folder from $mirror"
  debootstrap --variant=minbase "$suite" "$folder" "$mirror" >"$folder.log" 2>&1 ||
    { tail -n 20 "$folder.log" >&2; exit 1; }
  apt-config dump | grep -E '^Acquire::(http|https)::' >"$folder/etc/apt/apt.conf.d/90machine" || true
fi
cp -L /etc/resolv.conf /etc/hosts "$folder/etc/"
rm -rf "$folder/root/kiln"
git clone -q --no-hardlinks . "$folder/root/kiln"
say "$(git log -1 --format='clone of %h'); running: ${command[*]}"

# Mounts of its own, which vanish with the last process.
status=0
unshare --mount --pid --fork --kill-child bash -c '
  folder=$1; shift
  mount -t proc proc "$folder/proc" && mount -t tmpfs tmpfs "$folder/dev/shm"
  exec chroot "$folder" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root LANG=C.UTF-8 /bin/sh -c "cd /root/kiln && exec \"\$@\"" sh "$@"
' bash "$folder" "${command[@]}" </dev/null || status=$?
say "exit $status"
[ -n "$keep" ] || rm -rf --one-file-system "$folder"
exit "$status"
