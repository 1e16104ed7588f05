#!/usr/bin/python3
"""A camera on loopback with its clock burnt into the picture, over RTSP: prints READY and the URI, then serves until it is killed.

The picture is grey noise that moves. At its top left stand 24 squares of 16x32 pixels, black for 0 and white for 1: the time at
which the picture was made, in milliseconds since 1970, modulo 2^24, the highest bit first. H.264 with a keyframe each second.
"""
import argparse
import random
import signal
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--size", default="640x360")
parser.add_argument("--fps", type=int, default=25)
options = parser.parse_args()
width, height = map(int, options.size.split("x"))
BITS, ACROSS, DOWN = 24, 16, 32

signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
Gst.init(None)
noise = random.Random(1).randbytes(width * 2)
rows = [bytes(100 + byte % 60 for byte in noise[shift:shift + width]) for shift in range(width)]
chroma = bytes([128]) * (width * height // 2)


def picture(number):
    """A picture of I420 with the time of now."""
    now = time.time_ns() // 1_000_000 % (1 << BITS)
    clock = b"".join((b"\xeb" if now >> bit & 1 else b"\x10") * ACROSS for bit in reversed(range(BITS)))
    ground = rows[number % width]
    return (clock + ground[len(clock):]) * DOWN + ground * (height - DOWN) + chroma


def configure(factory, media):
    source, number = media.get_element().get_by_name("pictures"), [0]
    began = time.monotonic()

    def push():
        number[0] += 1
        if source.emit("push-buffer", Gst.Buffer.new_wrapped(picture(number[0]))) != Gst.FlowReturn.OK:
            return False
        # The next one is due by the clock: what came late is not late again.
        pause = began + number[0] / options.fps - time.monotonic()
        GLib.timeout_add(max(1, round(pause * 1000)), push)
        return False

    push()


factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    "( appsrc name=pictures is-live=true do-timestamp=true format=time max-bytes=0 leaky-type=downstream max-buffers=2 "
    f"caps=video/x-raw,format=I420,width={width},height={height},framerate={options.fps}/1 "
    f"! x264enc speed-preset=ultrafast tune=zerolatency key-int-max={options.fps} threads=1 "
    "! video/x-h264,profile=constrained-baseline ! rtph264pay name=pay0 pt=96 config-interval=-1 )")
factory.connect("media-configure", configure)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
server.get_mount_points().add_factory("/clock", factory)
server.attach(None)
print(f"READY rtsp://127.0.0.1:{server.get_bound_port()}/clock", flush=True)
GLib.MainLoop().run()
