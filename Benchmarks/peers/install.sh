#!/bin/sh
# Installs the peers into a virtual environment of their own, from PyPI. `install.sh DIRECTORY`
set -eu
here=$(dirname "$0")
venv=$1
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
stamp="$venv/installed-$(cksum <"$here/requirements.txt" | tr ' ' '-')"
[ -e "$stamp" ] && exit 0
echo "Installing the peers (PyTorch, ONNX Runtime, OpenVINO, FAISS) into $venv"
"$venv/bin/python" -m pip install -q --disable-pip-version-check -r "$here/requirements.txt"
# PyPI's torch for x86 does not start without gigabytes of CUDA packages; a CPU wheel where pip is told of one (find-links)
# needs none of them.
"$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-index torch 2>/dev/null ||
    "$venv/bin/python" -m pip install -q --disable-pip-version-check torch
touch "$stamp"
