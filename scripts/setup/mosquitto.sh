#!/bin/sh
# Makes .build/mosquitto: Debian's MQTT broker, unpacked and not installed, so that no service is started. It is run by
# .build/mosquitto/run CONFIGURATION.
set -eu
cd "$(dirname "$0")/../.."
broker=$PWD/.build/mosquitto
[ -x "$broker/run" ] && exit 0
rm -rf "$broker"
mkdir -p "$broker"
cd "$broker"
get() { apt-get download -qq mosquitto libdlt2 libwrap0 libcjson1 libnsl2 libtirpc3 >/dev/null 2>&1; }
if ! get; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    get
fi
for package in *.deb; do dpkg -x "$package" .; done
cat >run <<'END'
#!/bin/sh
root=$(dirname "$0")
LD_LIBRARY_PATH=$(echo "$root"/usr/lib/*-linux-gnu):$(echo "$root"/lib/*-linux-gnu) exec "$root/usr/sbin/mosquitto" -c "$1"
END
chmod +x run
