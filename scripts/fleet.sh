#!/bin/bash
# A fleet to try, on this machine: three members of etcd and three daemons on loopback, with six scenes that never end and
# two queries. Each node has a shell function for `watchword` in the file that is named at the end.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
bin="$root/.build/release"
folder="$(mktemp -d)"
first="${PORT:-23790}"
"$root/scripts/setup/unpack.sh" etcd etcd-server etcd-client
declare -a processes=()
finish() {
    trap - INT TERM EXIT
    for process in "${processes[@]}"; do kill -TERM "$process" 2>/dev/null || true; done
    wait
    rm -rf "$folder"
}
trap finish EXIT
trap 'echo; exit 0' INT TERM
client() { echo "http://127.0.0.1:$((first + $1 * 2))"; }
peer() { echo "http://127.0.0.1:$((first + $1 * 2 + 1))"; }
cluster="e1=$(peer 1),e2=$(peer 2),e3=$(peer 3)"
for n in 1 2 3; do
    "$root/.build/etcd/usr/bin/etcd" --name "e$n" --data-dir "$folder/e$n" --listen-client-urls "$(client $n)" \
        --advertise-client-urls "$(client $n)" --listen-peer-urls "$(peer $n)" \
        --initial-advertise-peer-urls "$(peer $n)" --initial-cluster "$cluster" --initial-cluster-state new \
        --heartbeat-interval 50 --election-timeout 500 --snapshot-count 10000 --auto-compaction-retention 5m \
        --quota-backend-bytes 4294967296 --logger zap --log-outputs "$folder/e$n.log" >/dev/null 2>&1 &
    processes+=($!)
done
for n in 1 2 3; do
    mkdir "$folder/box-$n"
    cat > "$folder/box-$n/watchword.yaml" <<YAML
model: $root/Models/shapes
journal: journal.sqlite
pipelines: $root/Pipelines
publish: ipc://$folder/box-$n/events.sock
control: ipc://$folder/box-$n/control.sock
log: {level: notice}
fleet:
  name: try
  node: box-$n
  engine: [$(client 1), $(client 2), $(client 3)]
  publish: ipc://$folder/box-$n/fleet.sock
YAML
    "$bin/watchwordd" --config "$folder/box-$n/watchword.yaml" 2> "$folder/box-$n/log" &
    processes+=($!)
    echo "box-$n: process $!, log $folder/box-$n/log"
    control="ipc://$folder/box-$n/control.sock"
    echo "box$n() { WATCHWORD_CONTROL=$control WATCHWORD_FLEET=ipc://$folder/box-$n/fleet.sock '$bin/watchword' \"\$@\"; }" \
        >> "$folder/nodes.sh"
done
# shellcheck disable=SC1091
. "$folder/nodes.sh"
until [ "$(box1 fleet status --json 2>/dev/null | grep -o '"state":"live"' | wc -l)" = 3 ]; do sleep 0.2; done
for stream in 1 2 3 4 5 6; do box1 stream add "scene-$stream" "shapes://$stream" >/dev/null; done
box2 query add "something appears" >/dev/null
box2 query add "two shapes meet" >/dev/null
until [ "$(box3 fleet status --json | grep -o '"state":"playing"' | wc -l)" = 6 ]; do sleep 0.2; done
echo
box1 fleet status
cat <<TEXT

In another shell, \`. $folder/nodes.sh\` gives box1, box2 and box3, each \`watchword\` of that node:
    box2 fleet drain box-1       its streams go to the others; box2 fleet undrain box-1
    box3 fleet move scene-1 box-3
    kill -9 PROCESS              of a node, as above: its streams play elsewhere within seconds
    box2 events --fleet --follow the events of all nodes
    box2 fleet status
Ctrl-C ends all of it.
TEXT
wait
