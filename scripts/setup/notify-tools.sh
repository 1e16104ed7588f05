#!/bin/sh
# Makes .build/notify-tools: the libraries by which tests check what notifiers send, as receivers do.
set -eu
cd "$(dirname "$0")/../.."
tools=.build/notify-tools
packages="standardwebhooks==1.1.0 cloudevents==2.2.0"
[ "$(cat $tools/packages 2>/dev/null)" = "$packages" ] && exit 0
rm -rf $tools
/usr/bin/python3 -m venv $tools
$tools/bin/python -m pip install --quiet --disable-pip-version-check $packages
echo "$packages" >$tools/packages
