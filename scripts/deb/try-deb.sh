#!/bin/sh
# What scripts/deb/test-deb.sh does inside of the new Debian, as root.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
say() { echo "== $*"; }
die() {
    echo "FAILED: $*" >&2
    exit 1
}
apt() { apt-get -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold "$@" >/tmp/apt.log 2>&1 || {
    cat /tmp/apt.log
    die "apt-get $*"
}; }
# Files that are the package's, by their names; not those that apt and dpkg keep, nor what was brought for this test.
traces() { find / -xdev -name '*watchword*' -not -path '/tmp/*' -not -path '/var/cache/apt/*' -not -path '/proc/*'; }
unit=/lib/systemd/system/watchword.service

say "install"
apt install /tmp/watchword.deb
[ -f "$unit" ] || unit=/usr/lib/systemd/system/watchword.service
for file in $(dpkg -L watchword); do [ -e "$file" ] || die "$file is not there"; done
getent group watchword >/dev/null || die "there is no group watchword"
[ -d /etc/watchword/keys ] || [ ! -x /usr/bin/systemd-tmpfiles ] || die "there is no directory for keys"
for program in /usr/bin/watchword /usr/sbin/watchwordd /usr/lib/watchword/heads/*.so; do
    libraries=$(ldd "$program")
    case $libraries in *"not found"*) die "$program: $libraries" ;; esac
    echo "$libraries" | grep swift | grep -v ' /usr/lib/watchword/' | grep -v ' /usr/[a-z]*/../lib/watchword/' |
        grep -v ' /usr/lib/watchword/heads/../' && die "$program finds a Swift library elsewhere"
done
systemd-analyze verify --man=no "$unit"
systemd-analyze security --offline=true --no-pager --threshold=12 "$unit" | tail -n 1

say "run, as systemd starts it: nobody's user, the unit's directories, devices, /proc, system calls and address families"
cat >/tmp/daemon.sh <<'END'
set -eu
# ProtectSystem=strict, NoExecPaths=/, PrivateTmp=, PrivateDevices=, ProcSubset=pid, ProtectProc=invisible: in a copy of the mounts, at /mnt.
mount --bind / /mnt
for folder in /run/watchword /var/lib/watchword /var/cache/watchword; do
    mkdir -p "$folder"
    chown 61234:watchword "$folder"
    chmod 700 "$folder"
    mount --bind "$folder" "/mnt$folder"
    mount -o remount,bind,noexec "/mnt$folder"
done
chmod 750 /run/watchword
mount -o remount,bind,ro /mnt
mount -t tmpfs -o mode=1777,noexec tmpfs /mnt/tmp
mount -t tmpfs -o mode=755 tmpfs /mnt/dev
for device in null zero full random urandom; do
    touch "/mnt/dev/$device"
    mount --bind "/dev/$device" "/mnt/dev/$device"
done
ln -s /proc/self/fd /mnt/dev/fd
mount -t proc -o subset=pid,hidepid=invisible proc /mnt/proc
cp /tmp/confined.py /mnt/tmp/
[ ! -e /mnt/proc/cpuinfo ] && ! touch /mnt/usr/x 2>/dev/null || exit 99
umask 0007
group=$(getent group watchword | cut -d: -f3)
# The unit's own environment.
variables=$(sed -n 's/^Environment=//p' "$1")
exec chroot /mnt env -i $variables RUNTIME_DIRECTORY=/run/watchword STATE_DIRECTORY=/var/lib/watchword \
    CACHE_DIRECTORY=/var/cache/watchword PATH=/usr/bin:/bin \
    prlimit --core=0 setpriv --reuid=61234 --regid="$group" --clear-groups --no-new-privs --inh-caps=-all \
    --bounding-set=-all python3 /tmp/confined.py "$1" /usr/sbin/watchwordd
END
echo "http: { listen: 127.0.0.1:18787 }" >>/etc/watchword/watchword.yaml
unshare --mount --propagation unchanged --pid --fork --kill-child sh /tmp/daemon.sh "$unit" >/tmp/daemon.log 2>&1 &
daemon=$!
trap 'kill -KILL "$daemon" 2>/dev/null || true' EXIT
user() { setpriv --reuid=61235 --regid=61235 --groups="$(getent group watchword | cut -d: -f3)" "$@"; }
waited=0
until user watchword status >/tmp/status 2>&1; do
    waited=$((waited + 1))
    kill -0 "$daemon" 2>/dev/null && [ "$waited" -lt 120 ] || {
        cat /tmp/daemon.log /tmp/status
        die "the daemon is not ready"
    }
    sleep 0.5
done
user watchword doctor || die "doctor finds something wrong"
user watchword stream add world 'shapes://7' --fps 8
for head in mean lstm transformer tight; do user watchword query add "a blue circle" --id "q-$head" --head "$head" --threshold=-100; done
waited=0
# Every head tells of an event: plugins load, kernels are made at run time, the journal is written.
until [ "$(user watchword events --since 0 --json | grep '"phase":"start"' | grep -o '"id":"q-[a-z]*"' | sort -u | wc -l)" = 4 ]; do
    waited=$((waited + 1))
    [ "$waited" -lt 120 ] || {
        cat /tmp/daemon.log
        user watchword events --since 0 --json
        die "not every head tells of an event"
    }
    sleep 0.5
done
# The page with all that it loads, and moments of the history that is being recorded.
python3 - /usr/share/watchword/page <<'END' || die "the page is not served whole"
import os, sys, urllib.request
address = "http://127.0.0.1:18787"
assert b"<html" in urllib.request.urlopen(address + "/").read()
for name in os.listdir(sys.argv[1]):
    with open(os.path.join(sys.argv[1], name), "rb") as file:
        assert name == "index.html" or urllib.request.urlopen(f"{address}/page/{name}").read() == file.read(), name
END
waited=0
until user watchword search "a blue circle" --json >/tmp/moments 2>&1 && grep -q '"stream":"world"' /tmp/moments; do
    waited=$((waited + 1))
    [ "$waited" -lt 120 ] || die "the history has no moment: $(cat /tmp/moments)"
    sleep 0.5
done
user watchword query backtest "a blue circle" --threshold=-100 --json | grep -q '"alerts"' || die "there is no backtest"
setpriv --reuid=61236 --regid=61236 --clear-groups watchword status >/dev/null 2>&1 && die "anybody may talk to the daemon"
[ ! -e /var/cache/watchword/gstreamer.bin ] && [ ! -e /nonexistent ] || die "GStreamer keeps a registry that the daemon may write"
exposed=$(find /var/lib/watchword /var/cache/watchword -mindepth 1 -perm /077)
[ -z "$exposed" ] || die "these are not for the daemon's user alone: $exposed"
pid=$(pgrep -u 61234 -x watchwordd)
kill -TERM "$pid"
wait "$daemon" || die "the daemon did not end with 0: $(cat /tmp/daemon.log)"
grep -q stopped /tmp/daemon.log || die "$(cat /tmp/daemon.log)"
cat /tmp/daemon.log

say "watch, as an unprivileged user"
setpriv --reuid=61236 --regid=61236 --clear-groups env HOME=/tmp timeout -s INT 20 \
    watchword watch shapes://7 --query "a blue circle" --head mean --threshold=-1 --json >/tmp/events || true
grep -q '"phase":"start"' /tmp/events || die "no event: $(cat /tmp/events)"

say "upgrade, with an edited configuration"
echo "log: { level: debug }" >>/etc/watchword/watchword.yaml
dpkg-deb -R /tmp/watchword.deb /tmp/again
sed -i 's/^Version: .*/&+again/' /tmp/again/DEBIAN/control
echo "# a newer default" >>/tmp/again/etc/watchword/watchword.yaml
dpkg-deb -Zgzip -z1 -b /tmp/again /tmp/watchword-again.deb >/dev/null
apt install /tmp/watchword-again.deb
grep -q "level: debug" /etc/watchword/watchword.yaml || die "the upgrade lost an edited configuration"
rm -f /etc/watchword/watchword.yaml.dpkg-dist
[ -s /var/lib/watchword/journal.sqlite ] || die "the upgrade lost the journal"

say "remove, and purge"
apt remove watchword
[ ! -e /usr/sbin/watchwordd ] && [ ! -e /usr/lib/watchword ] || die "programs stay after removal"
grep -q "level: debug" /etc/watchword/watchword.yaml && [ -s /var/lib/watchword/journal.sqlite ] || die "removal takes the state"
apt purge watchword
rm -rf /run/watchword
left=$(traces)
[ -z "$left" ] || die "these stay after a purge: $left"
say "all is well"
