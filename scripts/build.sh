#!/bin/bash
# Builds products in release mode, one after the other, and prints every 15 seconds what is compiled and how far it is:
# `build.sh PRODUCT...`. SwiftPM's own lines are in .build/build.log; they are printed if the build fails. Nothing is
# asked of SwiftPM, which takes seconds a product, while no source is newer than the last build of the same products.
set -uo pipefail
cd "$(dirname "$0")/.."
mkdir -p .build
log=.build/build.log
interval=15
stamp=.build/build.stamp
sources="Sources Plugins Package.swift"
[ ! -f Package.resolved ] || sources="$sources Package.resolved"
if [ "$(cat "$stamp" 2>/dev/null)" = "$*" ] && [ -x .build/release/watchword ] &&
    [ -z "$(find $sources -newer "$stamp" -print -quit)" ]; then
    exit 0
fi
echo "$*" >"$stamp.new"
builder=""
trap '[ -z "$builder" ] || kill "$builder" 2>/dev/null; exit 130' INT TERM

# SwiftPM's last line about a step, such as "[123/456] Compiling NIOCore Channel.swift".
last_step() { tr '\r' '\n' <"$log" | grep -E '^(\[[0-9]+/[0-9]+\]|Fetch|Comput|Creat|Work)' | tail -1 | cut -c1-90; }

[ -x .build/release/watchwordd ] ||
    echo "First build: it compiles all dependencies, about $((36 / $(nproc) + 1)) minutes on $(nproc) cores."
started=$SECONDS
for product in "$@"; do
    : >"$log"
    swift build -c release --product "$product" >"$log" 2>&1 &
    builder=$!
    while kill -0 "$builder" 2>/dev/null; do
        sleep 1
        elapsed=$((SECONDS - started))
        [ $((elapsed % interval)) = 0 ] || continue
        step=$(last_step)
        printf '%d:%02d  %s  %s\n' $((elapsed / 60)) $((elapsed % 60)) "$product" "${step:-planning}"
    done
    if ! wait "$builder"; then
        cat "$log" >&2
        exit 1
    fi
done
mv "$stamp.new" "$stamp"
