#!/bin/sh
# Installs the package of `make deb` into a new Debian, runs what it brings as an unprivileged user and under the unit's system
# call filter, upgrades, removes and purges it; then boots another with systemd as its first process. Each Debian is made by
# mmdebstrap from this machine's mirror, and thrown away.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
package=$(ls "$here"/.build/deb/watchword_*.deb)
lintian --fail-on error,warning --allow-root "$package"
# This machine's mirror and its apt settings, whatever they are.
sources=$(mktemp)
settings=$(mktemp)
trap 'rm -f "$sources" "$settings"' EXIT
apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Identifier: Packages' 'Origin: Debian' >"$sources"
apt-config dump | grep -E '^Acquire::(http|https|ftp)::?' >"$settings" || true
. /etc/os-release
mmdebstrap --variant=apt --format=null --quiet --aptopt="$settings" \
    --include=ca-certificates,systemd,python3,libseccomp2,procps,util-linux \
    --customize-hook="upload '$package' /tmp/watchword.deb" \
    --customize-hook="upload '$here/scripts/deb/confined.py' /tmp/confined.py" \
    --customize-hook="upload '$here/scripts/deb/try-deb.sh' /tmp/try-deb.sh" \
    --customize-hook='unshare --mount --propagation private chroot "$1" sh -eu /tmp/try-deb.sh' \
    "$VERSION_CODENAME" - "$sources"
"$here/scripts/deb/boot-deb.sh" "$package" "$sources" "$settings"
