#!/bin/sh
# Makes .build/NAME: Debian's packages, unpacked and not installed, so that no service is started. `unpack.sh NAME PACKAGE...`
set -eu
cd "$(dirname "$0")/../.."
place=$PWD/.build/$1
shift
[ -d "$place" ] && exit 0
# It has its name when it is whole.
rm -rf "$place.new"
mkdir -p "$place.new"
cd "$place.new"
get() { apt-get download -qq "$@" >/dev/null 2>&1; }
if ! get "$@"; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    get "$@"
fi
for package in *.deb; do dpkg -x "$package" .; done
rm -f ./*.deb
mv "$place.new" "$place"
