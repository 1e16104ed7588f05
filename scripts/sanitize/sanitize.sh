#!/bin/sh
# Runs the tests of ingest, the queue of frames and the batcher under ThreadSanitizer and AddressSanitizer; a report of either
# fails. `sanitize.sh [thread|address]...`. Reports: .build-thread/report.*, .build-address/report.*.
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- thread address
failed=0
for sanitizer in "$@"; do
    scratch=$PWD/.build-$sanitizer
    scripts/sanitize/sanitized-build.sh "$sanitizer" --build-tests
    rm -f "$scratch"/report.*
    # Leaks are not looked for: what GLib and GStreamer keep to the end is measured by bench memory.
    export TSAN_OPTIONS="log_path=$scratch/report exitcode=66"
    export ASAN_OPTIONS="suppressions=$PWD/scripts/sanitize/asan.supp detect_leaks=0 log_path=$scratch/report exitcode=66"
    swift test --skip-build --sanitize="$sanitizer" --scratch-path "$scratch" --no-parallel \
        --filter 'StreamSourcesTests|SamplingTests|ContainersTests|IngestTests|EngineTests.(LoadTests|GateTests|FrameQueueTests|EngineTests|ScoringEngineTests|RescoringTests)' \
        >"$scratch/test.log" 2>&1 || { grep -E '✘|rror:' "$scratch/test.log" || tail -20 "$scratch/test.log"; failed=1; }
    for report in "$scratch"/report.*; do
        [ -e "$report" ] || continue
        echo "sanitize: $sanitizer reports, in $report:" >&2
        grep -E 'WARNING|ERROR|SUMMARY' "$report" | sort | uniq -c | sort -rn | head -20 >&2
        failed=1
    done
    [ $failed = 1 ] || echo "sanitize: $sanitizer: $(grep -E 'Test run with' "$scratch/test.log" | tail -1)"
done
exit $failed
