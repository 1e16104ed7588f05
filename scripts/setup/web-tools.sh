#!/bin/sh
# Makes .build/web-tools: Schemathesis, which tries a web API by its document, Prometheus' own parser, Selenium and axe, which
# try the page in a browser, and the libraries by which receivers check what notifiers send.
set -eu
cd "$(dirname "$0")/../.."
tools=.build/web-tools
packages="schemathesis==4.32.5 prometheus-client==0.26.0 selenium==4.51.0 axe-core-python==0.1.0 standardwebhooks==1.1.0 cloudevents==2.2.0 paho-mqtt==2.2.0"
[ "$(cat $tools/packages 2>/dev/null)" = "$packages" ] && exit 0
rm -rf $tools
/usr/bin/python3 -m venv $tools
$tools/bin/python -m pip install --quiet --disable-pip-version-check $packages
echo "$packages" >$tools/packages
