#!/usr/bin/python3
"""The times that GStreamer's rtpjitterbuffer gives: reads lines of "NUMBER STAMP ARRIVAL" and prints a time for each packet.

Times are nanoseconds. A packet that it does not give out has no line.
"""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402, F401

Gst.init(None)
pipeline = Gst.parse_launch(
    "appsrc name=packets is-live=true format=time caps=application/x-rtp,media=video,clock-rate=90000,encoding-name=H264,"
    "payload=96 ! rtpjitterbuffer latency=200 mode=slave ! appsink name=times sync=false")
# Every deadline is long past: nothing waits.
pipeline.set_start_time(Gst.CLOCK_TIME_NONE)
pipeline.set_base_time(0)
pipeline.use_clock(Gst.SystemClock.obtain())
packets, times = pipeline.get_by_name("packets"), pipeline.get_by_name("times")
pipeline.set_state(Gst.State.PLAYING)
for line in sys.stdin:
    number, stamp, arrival = (int(word) for word in line.split())
    head = bytes([0x80, 96]) + number.to_bytes(2, "big") + stamp.to_bytes(4, "big") + b"\0\0\0\1"
    packet = Gst.Buffer.new_wrapped(head + b"\x41\x9a")
    packet.dts = packet.pts = arrival
    packets.emit("push-buffer", packet)
packets.emit("end-of-stream")
while sample := times.emit("pull-sample"):
    packet = sample.get_buffer()
    number = int.from_bytes(packet.extract_dup(2, 2), "big")
    print(number, packet.pts)
