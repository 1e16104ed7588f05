#!/bin/sh
# Makes .build/rtmp-server: Debian's nginx with its RTMP module, unpacked and not installed, so that no service is started.
set -eu
cd "$(dirname "$0")/../.."
server=$PWD/.build/rtmp-server
[ -x "$server/usr/sbin/nginx" ] && [ -f "$server/usr/lib/nginx/modules/ngx_rtmp_module.so" ] && exit 0
rm -rf "$server"
mkdir -p "$server"
cd "$server"
get() { apt-get download -qq nginx libnginx-mod-rtmp >/dev/null 2>&1; }
if ! get; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    get
fi
for package in *.deb; do dpkg -x "$package" .; done
