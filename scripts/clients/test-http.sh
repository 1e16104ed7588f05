#!/bin/sh
# Schemathesis against a running daemon's own document: `test-http.sh URL [EXAMPLES] [OPTION...]`, as in
# `test-http.sh http://127.0.0.1:8787 500`. The daemon's queries and streams do not survive it.
set -eu
cd "$(dirname "$0")/../.."
scripts/setup/web-tools.sh
url=$1
examples=${2:-20}
[ $# -gt 1 ] && shift
shift
# What it keeps of failures lies in the folder that it runs in.
cd .build/web-tools
exec bin/python bin/st --config-file ../../scripts/clients/schemathesis.toml \
    run "$url/api/v1/openapi.json" --max-examples "$examples" --request-timeout 30 --no-color "$@"
