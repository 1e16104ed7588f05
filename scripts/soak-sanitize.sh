#!/bin/sh
# Soaks daemons built with ThreadSanitizer and AddressSanitizer; a report of either fails. `soak-sanitize.sh [thread|address]...`;
# MINUTES says for how long (10).
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- thread address
failed=0
for sanitizer in "$@"; do
    scratch=$PWD/.build-$sanitizer
    mkdir -p "$scratch"
    # Plugins want of the program's runtime what the linker would not export by itself: see sanitize.sh.
    exported=""
    [ "$sanitizer" = address ] || for name in external_read external_write ignore_thread_begin ignore_thread_end; do
        exported="$exported -Xlinker --export-dynamic-symbol=__tsan_$name"
    done
    # shellcheck disable=SC2086
    swift build --quiet --sanitize="$sanitizer" --scratch-path "$scratch" $exported >"$scratch/build.log" 2>&1 ||
        { cat "$scratch/build.log"; exit 1; }
    scripts/soak.py --sanitizer "$sanitizer" --minutes "${MINUTES:-10}" || failed=1
done
exit $failed
