#!/bin/bash
# Runs the tests of a release build, and says at the very end which failed and why.
#
# With arguments, one process runs what they select (`--filter NAME`). Without, all tests run, in three parts: those of
# whole programs, which mostly wait, beside those of modules, which mostly compute, each one test after the other; then,
# with the machine to themselves, those that a busy machine would disturb. Each part prints its suites as they end, and
# keeps all that it says in .build/test/PART.log. A part that hangs is ended after TEST_MINUTES (45), with where its threads
# stand. What tests write goes to a folder of its own in the temporary directory, which is removed unless a test fails.
set -uom pipefail
cd "$(dirname "$0")/.."
logs=.build/test
minutes=${TEST_MINUTES:-45}
# What a machine that is busy with other tests disturbs: streams that must lose no frame.
alone='EndToEndTests\.(ClockDrills|CameraDrills|HeadDrills|NetworkDrills|StreamsBenchTests)/'
mkdir -p "$logs"
# A short name: paths of sockets may have 107 bytes.
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/ww.XXXXXX")
chmod 755 "$TMPDIR" # Some tests act as other users.
export TMPDIR
declare -A running=() ended=()
shown='^(✔ (Suite|Test run)|✘)'
# Each part is a process group of its own, which an interrupt of this one does not reach.
trap 'for group in "${running[@]}"; do kill -TERM "$group"; done 2>/dev/null; exit 130' INT TERM

# start PART ARGUMENT...: runs tests in the background, and prints their suites as they end.
start() {
    local part=$1 log=$logs/$1.log prefix="[$1] "
    [ -n "$shown" ] || prefix=
    shift
    : >"$log"
    NO_COLOR=1 timeout --kill-after=60 --signal=QUIT "${minutes}m" .build/release/watchwordPackageTests.xctest \
        --testing-library swift-testing "$@" >"$log" 2>&1 </dev/null &
    running[$part]=$!
    tail -qf -n +1 --pid=$! "$log" | grep -a --line-buffered -E "$shown" | sed -u "s/^/$prefix/" &
}

# finish PART...: waits for parts to end, and keeps their exit statuses.
finish() {
    local part
    for part in "$@"; do
        wait "${running[$part]}"
        ended[$part]=$?
        unset "running[$part]"
    done
    wait
}

if [ $# -gt 0 ]; then
    shown=''
    start tests --no-parallel "$@"
    finish tests
else
    start programs --no-parallel --filter '^EndToEndTests\.' --skip "$alone"
    start modules --no-parallel --skip '^EndToEndTests\.'
    finish programs modules
    start alone --no-parallel --filter "$alone"
    finish alone
fi

failed=0
for part in "${!ended[@]}"; do
    status=${ended[$part]}
    [ "$status" = 0 ] && continue
    failed=1
    log=$logs/$part.log
    if [ "$status" = 124 ] || [ "$status" = 137 ]; then
        echo "tests: no end of $part after $minutes minutes; this one hangs:" >&2
        grep -aE '^◇ Test ' "$log" | tail -1 >&2
    fi
    echo "tests: these of $part failed (all of it: $log):" >&2
    # A test's own lines only: not those of the suites it is in, and a crash's reason where one ended the run.
    grep -aE '^✘ Test .*(recorded an issue|failed after)|Fatal error|Swift runtime failure|signal code|^↳' "$log" \
        | grep -av 'Test run with' | cut -c1-2000 | tail -60 >&2
done
if [ $failed = 0 ]; then rm -rf "$TMPDIR"; else echo "tests: what they wrote is in $TMPDIR" >&2; fi
exit $failed
