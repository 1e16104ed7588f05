#!/bin/bash
# Runs the tests, `swift test`'s arguments first; when some fail, says once more at the very end which and why.
set -uo pipefail
cd "$(dirname "$0")/.."
log=.build/test.log
swift test -c release --skip-build --no-parallel "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
[ "$status" = 0 ] && exit 0
echo "tests: these failed (all of it: $log):" >&2
# A test's own lines only: not those of the suites it is in, and a crash's reason where one ended the run.
grep -E '^✘ Test .*(recorded an issue|failed after)|Fatal error|Swift runtime failure|signal code|^↳' "$log" | grep -v 'Test run with' | tail -60 >&2
exit "$status"
