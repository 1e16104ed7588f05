#!/bin/sh
# Installs the Debian packages that Watchword needs and that are not here yet. `setup.sh test` adds what only tests need,
# `setup.sh deb` what making and trying the package needs; `setup.sh lint` installs the formatter of C alone, `setup.sh quality`
# NumPy.
set -eu
packages="build-essential pkg-config ca-certificates libglib2.0-dev libgstreamer1.0-dev
libgstreamer-plugins-base1.0-dev gstreamer1.0-plugins-base gstreamer1.0-plugins-good
gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav libsoup-3.0-0 libdnnl-dev libopenblas-dev libzmq3-dev
libmosquitto-dev libsqlite3-dev libturbojpeg0-dev libpng-dev libwebp-dev libgdk-pixbuf-2.0-dev zlib1g-dev"
if [ "${1:-run}" = test ]; then
    packages="$packages ffmpeg gstreamer1.0-tools python3 python3-venv curl python3-zmq python3-gi
    gir1.2-gst-rtsp-server-1.0 nftables iproute2 systemd libseccomp2 sqlite3
    chromium chromium-driver firefox-esr"
    python3 -m pip --version >/dev/null 2>&1 || packages="$packages python3-pip"
fi
if [ "${1:-run}" = deb ]; then
    packages="$packages debhelper dpkg-dev fakeroot lintian mmdebstrap patchelf procps python3 systemd systemd-container"
fi
[ "${1:-run}" = lint ] && packages=clang-format
if [ "${1:-run}" = quality ]; then
    packages=""
    python3 -c 'import numpy' 2>/dev/null || packages=python3-numpy
fi
missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
sudo=""
[ "$(id -u)" = 0 ] || sudo=sudo
echo "Installing:$missing"
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
