#!/bin/sh
# Makes .build/etcd: Debian's etcd and etcdctl, unpacked and not installed, so that no service is started.
set -eu
cd "$(dirname "$0")/../.."
place=$PWD/.build/etcd
[ -x "$place/usr/bin/etcd" ] && [ -x "$place/usr/bin/etcdctl" ] && exit 0
rm -rf "$place"
mkdir -p "$place"
cd "$place"
get() { apt-get download -qq etcd-server etcd-client >/dev/null 2>&1; }
if ! get; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    get
fi
for package in *.deb; do dpkg -x "$package" .; done
