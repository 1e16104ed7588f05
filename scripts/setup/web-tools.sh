#!/bin/sh
# Makes .build/web-tools: Schemathesis, which tries a web API by its document, and Prometheus' own parser.
set -eu
cd "$(dirname "$0")/../.."
tools=.build/web-tools
packages="schemathesis==4.32.5 prometheus-client==0.26.0"
[ "$(cat $tools/packages 2>/dev/null)" = "$packages" ] && exit 0
rm -rf $tools
/usr/bin/python3 -m venv $tools
$tools/bin/python -m pip install --quiet --disable-pip-version-check $packages
echo "$packages" >$tools/packages
