#!/bin/bash
# Runs the tests of a release build, with the arguments of the test runner (`--filter NAME`); when some fail, says once more
# at the very end which and why. A run that hangs is ended after TEST_MINUTES (45), with where its threads stand.
set -uo pipefail
cd "$(dirname "$0")/.."
log=.build/test.log
minutes=${TEST_MINUTES:-45}
NO_COLOR=1 timeout --kill-after=60 --signal=QUIT "${minutes}m" \
    .build/release/watchwordPackageTests.xctest --testing-library swift-testing --no-parallel "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
[ "$status" = 0 ] && exit 0
if [ "$status" = 124 ] || [ "$status" = 137 ]; then
    echo "tests: no end after $minutes minutes; this one hangs:" >&2
    grep -E '^◇ Test ' "$log" | tail -1 >&2
fi
echo "tests: these failed (all of it: $log):" >&2
# A test's own lines only: not those of the suites it is in, and a crash's reason where one ended the run.
grep -E '^✘ Test .*(recorded an issue|failed after)|Fatal error|Swift runtime failure|signal code|^↳' "$log" | grep -v 'Test run with' | tail -60 >&2
exit "$status"
