#!/bin/sh
# Makes .build/mosquitto: Debian's MQTT broker. It is run by .build/mosquitto/run CONFIGURATION.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/unpack.sh" mosquitto mosquitto libdlt2 libwrap0 libcjson1 libnsl2 libtirpc3
run=$here/../../.build/mosquitto/run
[ -x "$run" ] && exit 0
# Others may run it meanwhile: it has its name when it is whole.
cat >"$run.$$" <<'END'
#!/bin/sh
root=$(dirname "$0")
LD_LIBRARY_PATH=$(echo "$root"/usr/lib/*-linux-gnu):$(echo "$root"/lib/*-linux-gnu) exec "$root/usr/sbin/mosquitto" -c "$1"
END
chmod +x "$run.$$"
mv "$run.$$" "$run"
