#!/bin/sh
# Makes .build/web-tools: Schemathesis, which tries a web API against its document, and Prometheus' own parser.
set -eu
cd "$(dirname "$0")/.."
venv=.build/web-tools
packages="schemathesis==4.32.5 prometheus-client==0.26.0"
[ "$(cat $venv/packages 2>/dev/null)" = "$packages" ] && exit 0
rm -rf $venv
python3 -m venv $venv
$venv/bin/python -m pip install --quiet --disable-pip-version-check $packages
echo "$packages" >$venv/packages
