#!/bin/sh
# The main job, to be seen: the daemon watches a live scene that never ends; its events are printed as they happen, and its
# page is served at the address that is printed. HTTP=ADDRESS:PORT listens elsewhere.
set -eu
root="$(cd "$(dirname "$0")/.." && pwd)"
bin="$root/.build/release"
folder="$(mktemp -d)"
http="${HTTP:-127.0.0.1:8787}"
export RUNTIME_DIRECTORY="$folder"
daemon=""
finish() {
    trap - INT TERM EXIT
    [ -n "$daemon" ] && kill -TERM "$daemon" 2>/dev/null && wait "$daemon" || true
    rm -rf "$folder"
}
trap finish EXIT
trap 'echo; exit 0' INT TERM
cat > "$folder/demo.yaml" <<YAML
model: $root/Models/shapes
journal: journal.sqlite
pipelines: $root/Pipelines
log: {level: warning}
http: {listen: "$http"}
streams:
- {name: shapes, uri: "shapes://7"}
queries:
- something appears
- something moves to the left
- something moves to the right
- two shapes meet
- the lights go out
YAML
"$bin/watchwordd" --config "$folder/demo.yaml" &
daemon=$!
echo "Watching a drawn scene of coloured shapes (shapes://7) for five sentences. Ctrl-C ends it."
while [ ! -S "$folder/events.sock" ]; do kill -0 "$daemon" && sleep 0.1; done
echo "The page: http://$http/"
echo "Ask it from another terminal: RUNTIME_DIRECTORY=$folder .build/release/watchword status"
"$bin/watchword" events --follow &
events=$!
trap 'echo; kill "$events" 2>/dev/null; exit 0' INT TERM
wait "$events"
