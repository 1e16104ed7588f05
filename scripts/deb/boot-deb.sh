#!/bin/sh
# Boots a new Debian with the package in it, systemd as its first process, and has systemd do with the service what it does:
# start, credentials, reload, an end by SIGKILL, a hang, stop. `boot-deb.sh PACKAGE.deb SOURCES APT-SETTINGS`; test-deb.sh calls it.
set -eu
package=$1 sources=$2 settings=$3
. /etc/os-release
folder=$(mktemp -d)
root=$folder/root
booted=
leave() {
    [ -z "$booted" ] || kill "$booted" 2>/dev/null || true
    [ -z "$booted" ] || wait "$booted" || true
    rm -rf "$folder"
}
trap leave EXIT
say() { echo "== $*"; }
die() {
    echo "FAILED: $*" >&2
    inside journalctl -b -u watchword --no-pager -o short-precise 2>/dev/null | tail -40 >&2 || true
    tail -5 "$folder/console" >&2 || true
    exit 1
}
# In the namespaces of its first process.
inside() { nsenter -t "$first" -m -p -n -u -i "$@"; }
show() { inside systemctl show -p "$1" --value watchword; }
# Waits for a command to succeed, up to so many seconds.
within() {
    seconds=$1
    shift
    for _ in $(seq "$seconds"); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 1
    done
    return 1
}
runs() { [ "$(show NRestarts)" = "$1" ] && inside watchword status; }
begins() { inside watchword events --since 0 --json | grep -q '"start"'; }
told() { inside journalctl -b -u watchword --no-pager -o cat | grep -q "$1"; }

say "boot"
mmdebstrap --variant=apt --quiet --aptopt="$settings" --include=ca-certificates,systemd,systemd-sysv,dbus,procps,curl \
    --customize-hook="upload '$package' /tmp/watchword.deb" \
    --customize-hook='chroot "$1" apt-get install -y -qq --no-install-recommends /tmp/watchword.deb >/dev/null' \
    "$VERSION_CODENAME" "$root" "$sources"
mkdir -p "$root/etc/systemd/system/watchword.service.d"
cat >"$root/etc/systemd/system/watchword.service.d/keys.conf" <<'END'
[Service]
LoadCredential=http.token:/etc/watchword/keys/http.token
END
echo "the-token-of-this-test" >"$root/etc/watchword/keys/http.token"
chmod 600 "$root/etc/watchword/keys/http.token"
cat >"$root/etc/watchword/watchword.yaml" <<'END'
http: {listen: 127.0.0.1:8787, token: http.token}
streams:
- {name: world, uri: "shapes://7"}
queries:
- {id: open, text: a blue circle, head: mean, threshold: -1}
END
# Its own processes, network and mounts; no systemd is needed outside.
systemd-nspawn -D "$root" --boot --register=no --keep-unit --private-network --console=pipe --quiet >"$folder/console" 2>&1 &
booted=$!
for _ in $(seq 60); do
    first=$(pgrep -P "$booted" -f systemd || true)
    [ -n "$first" ] && within 1 inside systemctl is-active watchword && break
    sleep 1
done
[ -n "$first" ] || die "it does not boot"
within 30 runs 0 || die "the service does not start"
[ "$(show ActiveState)" = active ] || die "it is not active"
main=$(show MainPID)
[ "$(inside stat -c %U "/proc/$main")" != root ] || die "it is root's"
say "started: $(inside systemctl show -p StatusText --value watchword), as user $(inside stat -c %u "/proc/$main")"

say "credentials"
code() { inside curl -s -o /dev/null -w '%{http_code}' "$@" http://127.0.0.1:8787/api/v1/status; }
[ "$(code)" = 401 ] && [ "$(code -H 'Authorization: Bearer the-token-of-this-test')" = 200 ] || die "the token is not known"
within 60 begins || die "no event begins"

say "reload"
sed -i 's/threshold: -1}/threshold: -1}\n- {id: more, text: a red ring, head: mean, threshold: 0.9}/' "$root/etc/watchword/watchword.yaml"
inside systemctl reload watchword
within 30 inside watchword query show more || die "the new query is not there"
[ "$(show MainPID)" = "$main" ] || die "it was started again"

say "an end by SIGKILL"
inside kill -KILL "$main"
within 30 runs 1 || die "it is not started again"
inside watchword events --since 0 --json | grep -q '"interrupted"' || die "its open event has no end"

say "a hang, of which the watchdog tells systemd within 30 s"
inside kill -STOP "$(show MainPID)"
within 90 runs 2 || die "it is not started again"
inside journalctl -b -u watchword --no-pager -o cat | grep -i 'watchdog' || die "the watchdog was not it"

say "stop"
began=$(date +%s%N)
inside systemctl stop watchword
echo "in $((($(date +%s%N) - began) / 1000000)) ms"
[ "$(show ExecMainStatus)" = 0 ] || die "it ended with $(show ExecMainStatus)"
told '^stopped' || die "it does not say that it stopped"
# Of the end by SIGKILL it may warn; no library may complain of what the service may not do.
inside journalctl -b -p warning --no-pager -o cat _COMM=watchwordd | grep -v '^events were interrupted' && die "it complained"
say "systemd is content"
