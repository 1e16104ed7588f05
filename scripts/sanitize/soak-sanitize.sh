#!/bin/sh
# Soaks daemons built with ThreadSanitizer and AddressSanitizer; a report of either fails. `soak-sanitize.sh [thread|address]...`;
# MINUTES says for how long (10).
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- thread address
failed=0
for sanitizer in "$@"; do
    scripts/sanitize/sanitized-build.sh "$sanitizer"
    scripts/soak.py --sanitizer "$sanitizer" --minutes "${MINUTES:-10}" || failed=1
done
exit $failed
