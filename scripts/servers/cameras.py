#!/usr/bin/python3
"""Cameras that fail as they are told: real RTSP servers on loopback, for drills and soaks.

Each camera has a port of its own. Behind all of them is one gst-rtsp-server; before each a relay, which can fail in every
way that a network or a camera can. Commands come on standard input, one a line, and each is answered by one line, `OK ...` or
`ERROR ...`:

    camera NAME FILE [SECONDS]   a new one that plays FILE (MP4, H.264) in a loop, live, for each client from its start; its URI
    fault NAME KIND              from now on it fails so; KINDS below
    heal NAME                    from now on it is as it was at first
    clients NAME                 connections now, and all that there have been
    direct NAME                  the URI of the server behind the relay, which never fails by itself

Kinds of fault. Those with a + need a new session and so cut the connections that there are.

    gone       not there: the port is closed, connections are reset
    frozen     takes connections and answers nothing, as a stopped process does; connections stay open
    mute     + answers DESCRIBE, then nothing
    stall      answers, but no more packets come
    sdp      + answers DESCRIBE with nonsense
    noise      RTP packets are random bytes
    unframed   random bytes between the packets
    nal        some bytes of coded pictures are wrong
    loss       20 % of the packets do not come
    clock      RTP time stamps begin again at 0, once
    audio    + sound and no picture
    size       640x480 and another H.264 profile, within the session
    codec    + H.265
"""
import asyncio
import os
import random
import signal
import socket
import struct
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

from clips import Loop, units  # noqa: E402

RESTARTS = {"mute", "sdp", "audio", "codec"}
KINDS = RESTARTS | {"gone", "frozen", "stall", "noise", "unframed", "nal", "loss", "clock", "size"}
LARGER = ("video/x-raw,width=640,height=480 ! x264enc key-int-max=25 bframes=0 speed-preset=ultrafast tune=zerolatency"
          " ! video/x-h264,profile=constrained-baseline ! h264parse ! video/x-h264,stream-format=avc,alignment=au")
H265 = ("video/x-raw,format=I420,width=320,height=240 ! x265enc key-int-max=25 speed-preset=ultrafast tune=zerolatency"
        " ! h265parse ! video/x-h265,stream-format=hvc1,alignment=au")
RECODED = {None: None, "audio": None, "size": LARGER, "codec": H265}
clips = {}


class Camera:
    def __init__(self, server, name, file, seconds):
        self.name, self.file, self.seconds, self.server = name, file, seconds, server
        self.fault = None
        self.listener = None
        self.port = 0
        self.connections = set()
        self.total = 0
        self.mount(None)

    def clip(self, kind):
        """The film, coded as it is told; once for all cameras."""
        key = (self.file, self.seconds, kind)
        if key not in clips:
            clips[key] = units(self.file, self.seconds, RECODED[kind])
        return clips[key]

    # What is served.

    def mount(self, kind):
        factory = GstRtspServer.RTSPMediaFactory()
        if kind == "audio":
            factory.set_launch("( audiotestsrc is-live=true ! audio/x-raw,rate=8000 ! alawenc ! rtppcmapay name=pay0 pt=8 )")
        else:
            pay = "rtph265pay" if kind == "codec" else "rtph264pay"
            factory.set_launch(f"( appsrc name=units format=time max-bytes=1 ! {pay} name=pay0 pt=96 config-interval=-1 )")
            factory.connect("media-configure", self.configure, self.clip(kind))
        self.server.get_mount_points().add_factory(f"/{self.name}", factory)
        self.mounted = kind

    def configure(self, factory, media, clip):
        loop = Loop(media.get_element().get_by_name("units"), *clip)
        feed = loop.feed
        state = [None]

        def feed_as_told(source, size):
            # Between two groups the film may be another.
            wanted = "size" if self.fault == "size" else None
            if self.mounted is None and wanted != state[0]:
                state[0] = wanted
                loop.turn_to(*self.clip(wanted))
            feed(source, size)

        loop.source.disconnect_by_func(loop.feed)
        loop.source.connect("need-data", feed_as_told)

    # How it is reached.

    async def listen(self):
        if self.listener is None:
            self.listener = await asyncio.start_server(self.serve, "127.0.0.1", self.port, backlog=256)
            self.port = self.listener.sockets[0].getsockname()[1]

    def cut(self):
        """Resets every connection."""
        for writer in list(self.connections):
            taken = writer.get_extra_info("socket")
            if taken is not None:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def change(self, fault):
        before, self.fault = self.fault, None
        if fault == "size":
            await asyncio.get_running_loop().run_in_executor(None, self.clip, "size")
        serves = fault if fault in ("audio", "codec") else None
        if serves != self.mounted:
            await asyncio.get_running_loop().run_in_executor(None, self.mount, serves)
        self.fault = fault
        if fault == "gone":
            if self.listener is not None:
                self.listener.close()
                self.listener = None
        else:
            await self.listen()
        if fault == "gone" or fault in RESTARTS or before in RESTARTS and fault != before:
            self.cut()

    async def serve(self, reader, writer):
        self.total += 1
        self.connections.add(writer)
        upstream = None
        try:
            back, upstream = await asyncio.open_connection(self.server.get_address(), self.server.get_bound_port())
            await asyncio.wait(
                [asyncio.ensure_future(self.ask(reader, upstream)), asyncio.ensure_future(self.answer(back, writer))],
                return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass
        finally:
            self.connections.discard(writer)
            for end in (writer, upstream):
                if end is not None:
                    end.transport.abort()

    async def thaw(self):
        while self.fault == "frozen":
            await asyncio.sleep(0.05)

    async def ask(self, reader, upstream):
        """From the client: passed on as it is."""
        try:
            while data := await reader.read(65536):
                await self.thaw()
                upstream.write(data)
        except OSError:
            pass

    async def answer(self, back, writer):
        """To the client: taken apart into packets and answers, and failed as told."""
        relay = Relay(self)
        try:
            while True:
                first = await back.readexactly(1)
                if first == b"$":
                    head = await back.readexactly(3)
                    packet = await back.readexactly(int.from_bytes(head[1:], "big"))
                    out = relay.packet(head[0], packet)
                else:
                    text = first + await back.readuntil(b"\r\n\r\n")
                    length = next((int(line.split(b":")[1]) for line in text.split(b"\r\n")
                                   if line.lower().startswith(b"content-length:")), 0)
                    out = relay.message(text, await back.readexactly(length))
                await self.thaw()
                if out:
                    writer.write(out)
                    await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass


class Relay:
    """What becomes of one connection's packets and answers."""

    def __init__(self, camera):
        self.camera = camera
        self.random = random.Random(1)
        self.shift = None
        self.muted = False

    def message(self, text, body):
        fault = self.camera.fault
        if self.muted:
            return b""
        if body and fault == "mute":
            self.muted = True
        if body and fault == "sdp":
            nonsense = b"v=0\r\nm=video nowhere RTP/AVP nothing\r\na=rtpmap:\xff\xfe\r\n" + self.random.randbytes(200)
            kept = [line for line in text.split(b"\r\n") if line and not line.lower().startswith(b"content-length:")]
            return b"\r\n".join(kept + [b"Content-Length: %d" % len(nonsense), b"", b""]) + nonsense
        return text + body

    def packet(self, channel, packet):
        fault = self.camera.fault
        if self.muted or fault == "stall" or fault == "loss" and self.random.random() < 0.2:
            return b""
        if fault == "noise":
            packet = self.random.randbytes(len(packet))
        elif fault == "nal" and channel % 2 == 0 and len(packet) > 20:
            wrong = bytearray(packet)
            for _ in range(1 + len(wrong) // 50):
                wrong[self.random.randrange(14, len(wrong))] = self.random.randrange(256)
            packet = bytes(wrong)
        elif fault == "clock":
            packet = self.begin_again(channel, packet)
        framed = b"$" + bytes([channel]) + len(packet).to_bytes(2, "big") + packet
        return framed + self.random.randbytes(100) if fault == "unframed" else framed

    def begin_again(self, channel, packet):
        """The packet with its time stamp counted from the first after the fault."""
        place = 4 if channel % 2 == 0 else 16
        if len(packet) < place + 4 or channel % 2 == 1 and packet[1] != 200:
            return packet
        stamp = int.from_bytes(packet[place:place + 4], "big")
        if self.shift is None:
            self.shift = stamp
        return packet[:place] + (stamp - self.shift & 0xFFFFFFFF).to_bytes(4, "big") + packet[place + 4:]


async def obey(server):
    cameras = {}
    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        words = line.decode().rstrip("\n").split("\t" if b"\t" in line else " ")
        try:
            match words:
                case ["camera", name, file, *seconds]:
                    made = await loop.run_in_executor(
                        None, Camera, server, name, file, float(seconds[0]) if seconds else None)
                    await made.listen()
                    cameras[name] = made
                    said = f"OK rtsp://127.0.0.1:{made.port}/{name}"
                case ["fault", name, kind] if kind in KINDS:
                    await cameras[name].change(kind)
                    said = "OK"
                case ["heal", name]:
                    await cameras[name].change(None)
                    said = "OK"
                case ["clients", name]:
                    said = f"OK {len(cameras[name].connections)} {cameras[name].total}"
                case ["direct", name] if name in cameras:
                    said = f"OK rtsp://{server.get_address()}:{server.get_bound_port()}/{name}"
                case _:
                    said = "ERROR this is no command"
        except (KeyError, ValueError, OSError, GLib.Error) as error:
            said = f"ERROR {type(error).__name__}: {error}"
        print(said, flush=True)


def main():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address(os.environ.get("CAMERAS_ADDRESS", "127.0.0.1"))
    server.set_service("0")
    server.set_backlog(256)
    if server.attach(None) == 0:
        sys.exit("the RTSP server cannot listen")
    # A client that was cut off leaves a session behind.
    GLib.timeout_add_seconds(5, lambda: server.get_session_pool().cleanup() >= 0)
    threading.Thread(target=GLib.MainLoop().run, daemon=True).start()
    print("READY", flush=True)
    try:
        asyncio.run(obey(server))
    except KeyboardInterrupt:
        pass
    os._exit(0)


main()
