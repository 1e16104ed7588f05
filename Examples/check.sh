#!/bin/sh
# Checks that the examples are what they say: compiles the head and calls it, runs the subscriber against a stand-in, and
# compares configurations with the shipped one and the API's document. Needs cc and python3; no build of Watchword.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=/usr/bin/python3
[ -x $python ] || python=python3
export PYTHONDONTWRITEBYTECODE=1

# The head, as C, and its header as C++ too.
abi=Sources/Models/WatchwordHeadABI/include
flags="-Wall -Wextra -Werror -I $abi"
cc -std=c11 -O2 $flags -shared -fPIC -o "$work/libwatchword-head-recent.so" Examples/head-c/recent.c -lm
cc -std=c11 -O2 $flags -o "$work/check-head" Examples/head-c/recent.c Examples/head-c/check.c -lm
"$work/check-head"
echo '#include "watchword_head.h"' | cc -x c++ -std=c++11 $flags -fsyntax-only -

for file in Examples/*.py Examples/*/*.py; do
    $python -c 'import sys; compile(open(sys.argv[1], encoding="utf-8").read(), sys.argv[1], "exec")' "$file"
done
if $python -c 'import zmq' 2>/dev/null; then
    $python Examples/subscriber-python/check.py 2>"$work/said" || { cat "$work/said" >&2; exit 1; }
else
    echo "examples: the subscriber is not run: python3-zmq is missing" >&2
fi

if $python -c 'import yaml' 2>/dev/null; then
    $python Examples/check.py
else
    echo "examples: configurations are not checked: python3-yaml is missing" >&2
fi
echo "examples: right"
