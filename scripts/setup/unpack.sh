#!/bin/sh
# Makes .build/NAME: Debian's packages, unpacked and not installed, so that no service is started. `unpack.sh NAME PACKAGE...`
set -eu
cd "$(dirname "$0")/../.."
place=$PWD/.build/$1
shift
[ -d "$place" ] && exit 0
# It has its name when it is whole, and two that make it at once do not meet.
new=$place.$$
mkdir -p "$new"
cd "$new"
get() { apt-get download -qq "$@" >/dev/null 2>&1; }
if ! get "$@"; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    get "$@"
fi
for package in *.deb; do dpkg -x "$package" .; done
rm -f ./*.deb
mv -T "$new" "$place" 2>/dev/null || rm -rf "$new"
