#!/bin/sh
# Builds with a sanitizer, into .build-SANITIZER: `sanitized-build.sh thread|address [ARGUMENTS OF swift build]`.
set -eu
cd "$(dirname "$0")/../.."
sanitizer=$1
shift
scratch=$PWD/.build-$sanitizer
mkdir -p "$scratch"
# Plugins want more of the runtime, which is in the program that loads them, than its linker would export by itself.
if [ "$sanitizer" = thread ]; then
    for name in external_read external_write ignore_thread_begin ignore_thread_end; do
        set -- "$@" -Xlinker --export-dynamic-symbol=__tsan_$name
    done
fi
swift build --quiet --sanitize="$sanitizer" --scratch-path "$scratch" "$@" >"$scratch/build.log" 2>&1 ||
    { cat "$scratch/build.log"; exit 1; }
