#!/bin/sh
# Makes .build/home-assistant: the newest Home Assistant that Debian's Python runs, with what its core and its MQTT integration
# need of PyPI, and nothing of what other integrations do.
set -eu
cd "$(dirname "$0")/../.."
home=.build/home-assistant
list=scripts/setup/home-assistant.txt
cmp -s $list $home/packages && exit 0
rm -rf $home
/usr/bin/python3 -m venv $home
$home/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $list 2>&1 | grep -v DEPRECATION || true
$home/bin/python -c 'import homeassistant, paho.mqtt, janus, numpy'
cp $list $home/packages
