#!/bin/sh
# Builds the Debian package from a release build: .build/deb/watchword_VERSION_ARCHITECTURE.deb. Needs no network.
set -eu
SOURCE=$(cd "$(dirname "$0")/.." && pwd)
TARGET=$SOURCE/.build/deb
PRODUCTS=${PRODUCTS:-$(swift build -c release --show-bin-path)}
export SOURCE TARGET PRODUCTS
rm -rf "$TARGET"
mkdir -p "$TARGET/tree"
cp -r "$SOURCE/packaging/debian" "$TARGET/tree/debian"
for kind in service sysusers tmpfiles; do
    cp "$SOURCE/systemd/watchword.$kind" "$TARGET/tree/debian/"
done
version=$(dpkg-parsechangelog -l "$TARGET/tree/debian/changelog" -S Version)
said=$("$PRODUCTS/watchwordd" --version)
[ "$version" = "$said" ] || { echo "the package is $version and the program $said" >&2; exit 1; }
cd "$TARGET/tree"
# The same sources and products make the same package.
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -S Timestamp)
export SOURCE_DATE_EPOCH
fakeroot debian/rules binary
ls -l "$TARGET"/*.deb
