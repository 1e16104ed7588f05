#!/bin/sh
# Fuzzes the readers of untrusted files and messages: `fuzz.sh [RUNS] [READER...]`. Findings and new inputs: .build-fuzz/.
#
# AddressSanitizer watches the pointers. UBSan is not there for Swift on Linux (`swiftc` refuses -sanitize=undefined),
# and the readers are all Swift: overflow, bad indices and bad casts trap by themselves, in optimised builds too.
set -eu
cd "$(dirname "$0")/.."
runs=${1:-10000000}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- safetensors zip pickle config vocabulary index tokenizer sentencepiece configuration queries control clients \
    web pictures films multipart movie history packets
log=.build-fuzz/build.log
mkdir -p .build-fuzz
# SwiftPM passes --sanitize on one by one, of which swiftc heeds the last: hence both at once, beside.
WATCHWORD_FUZZ=build swift build -c release --scratch-path .build-fuzz --product watchword-fuzz \
    --sanitize fuzzer --sanitize address -Xswiftc -sanitize=fuzzer,address -Xswiftc -use-ld=lld \
    >"$log" 2>&1 || { cat "$log"; exit 1; }
# Hashing without a random seed makes every run of an input the same. ASan's usual 256 MB of freed memory and long
# stacks would cost a third of the speed. Leaks are looked for after inputs, not at the exit: boxes of tables that live as long
# as the process are known by pointers with marks in them, which the leak checker takes for none.
export SWIFT_DETERMINISTIC_HASHING=1 ASAN_OPTIONS=quarantine_size_mb=16:malloc_context_size=2:leak_check_at_exit=0
for reader in "$@"; do
    mkdir -p ".build-fuzz/corpus/$reader" .build-fuzz/findings
    WATCHWORD_FUZZ=$reader .build-fuzz/release/watchword-fuzz -runs="$runs" \
        -dict=Fuzz/words.dict -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix=".build-fuzz/findings/$reader-" ".build-fuzz/corpus/$reader" "Fuzz/corpus/$reader" \
        >".build-fuzz/$reader.log" 2>&1 || {
        sed -n '/Swift runtime failure\|Fatal error\|ERROR:\|Test unit/p' ".build-fuzz/$reader.log"
        echo "fuzz: the $reader reader fails: .build-fuzz/$reader.log; keep the input in Fuzz/corpus/$reader" >&2
        exit 1
    }
    awk -v reader="$reader" '/executed_units/ { runs = $2 } /exec_per_sec/ { rate = $2 } /peak_rss/ { rss = $2 }
        END { print "fuzz: " reader ": " runs " inputs, " rate " a second, " rss " MB at most" }' ".build-fuzz/$reader.log"
done
