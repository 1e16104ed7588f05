#!/bin/sh
# The streams benchmark's clip: five seconds of a real film at 1080p25, H.264 at 4 Mbit/s with a keyframe a second. `still`
# holds the film's first picture instead. Prints the file; made once.
set -eu
root="$(cd "$(dirname "$0")/../.." && pwd)"
scene="${1:-moving}"
clip="$root/.build/bench/$scene-1080p25.mp4"
film="$root/.build/real-video/bigbuckbunny.mp4"
if [ ! -s "$clip" ]; then
    "$root/scripts/setup/setup.sh" test >&2
    "$root/scripts/setup/fetch-real-video.sh" >&2
    mkdir -p "$root/.build/bench"
    hold=""
    [ "$scene" = still ] && hold="! imagefreeze num-buffers=132"
    # shellcheck disable=SC2086
    gst-launch-1.0 -q filesrc location="$film" ! qtdemux ! h264parse ! avdec_h264 $hold ! videoconvert ! videoscale \
        ! video/x-raw,format=I420,width=1920,height=1080,pixel-aspect-ratio=1/1 ! videorate ! video/x-raw,framerate=25/1 \
        ! x264enc bitrate=4000 key-int-max=25 bframes=0 speed-preset=veryfast option-string=scenecut=0 \
        ! video/x-h264,profile=high ! h264parse ! mp4mux ! filesink location="$clip.part" >&2
    mv "$clip.part" "$clip"
fi
echo "$clip"
