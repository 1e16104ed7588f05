#!/usr/bin/python3
"""A real RTSP server, on loopback by default, for tests and benchmarks: prints READY and the URI, then serves until it is
killed.

It plays an MP4 file (--file; with --loop again and again, from its start for every client, out of memory), a launch line
(--launch), or encodes pictures of one colour as they are asked for (--keyframes): the colour is the frame's number, in
base 8, the last digit in red.
"""
import argparse
import signal
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer, GstVideo  # noqa: E402

from clips import Loop, units  # noqa: E402

parser = argparse.ArgumentParser()
source = parser.add_mutually_exclusive_group(required=True)
source.add_argument("--file", help="an MP4 file with H.264")
source.add_argument("--launch", help="a launch line that ends in a payloader called pay0, for each client from its start")
source.add_argument("--keyframes", help="numbers of the frames that are keyframes: 0,25,50")
parser.add_argument("--loop", action="store_true", help="play the file again and again, for each client from its start")
parser.add_argument("--port", default="0")
parser.add_argument("--size", default="128x128", help="of encoded pictures")
parser.add_argument("--bframes", type=int, default=0, help="B-frames between others, of encoded pictures")
parser.add_argument("--mjpeg", action="store_true", help="encode as JPEG, where every unit is a keyframe")
parser.add_argument("--user", help="user:password, that clients must have")
parser.add_argument("--transport", choices=["tcp", "udp", "multicast"], help="the only one that is taken")
parser.add_argument("--address", default="127.0.0.1", help="the address to listen at")
parser.add_argument("--tls", help="a PEM file of a certificate and its key: the server speaks rtsps://")
parser.add_argument("--attached", action="store_true", help="end when standard input does, as when its owner is gone")
options = parser.parse_args()

signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
Gst.init(None)
payload = "rtph264pay name=pay0 pt=96 config-interval=-1"


def colour(number):
    red, green, blue = (number >> 3 * digit & 7 for digit in range(3))
    return 0xFF000000 | (red * 32 + 16) << 16 | (green * 32 + 16) << 8 | blue * 32 + 16


def configure(factory, media):
    """Colours each picture by its number, and has the encoder make keyframes where they are asked for."""
    keyframes = {int(number) for number in options.keyframes.split(",")}
    pictures = media.get_element().get_by_name("pictures")
    count = [0]

    def number_next(pad, info):
        if count[0] in keyframes:
            pad.get_peer().send_event(
                GstVideo.video_event_new_downstream_force_key_unit(
                    Gst.CLOCK_TIME_NONE, Gst.CLOCK_TIME_NONE, Gst.CLOCK_TIME_NONE, True, 0))
        count[0] += 1
        pictures.set_property("foreground-color", colour(count[0]))
        return Gst.PadProbeReturn.OK

    pictures.set_property("foreground-color", colour(0))
    pictures.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, number_next)


def configure_loop(factory, media, clip, caps):
    Loop(media.get_element().get_by_name("units"), clip, caps)


factory = GstRtspServer.RTSPMediaFactory()
if options.keyframes:
    width, height = options.size.split("x")
    encode = (
        f"x264enc key-int-max=100000 bframes={options.bframes} b-adapt=false b-pyramid=false rc-lookahead=1 sync-lookahead=0"
        f" threads=1 pass=qual quantizer=12 option-string=scenecut=0 ! video/x-h264,profile=main ! {payload}")
    factory.set_launch(
        "( videotestsrc name=pictures is-live=true pattern=solid-color"
        f" ! video/x-raw,format=I420,width={width},height={height},framerate=25/1 ! "
        + ("jpegenc ! rtpjpegpay name=pay0 pt=26" if options.mjpeg else encode) + " )")
    factory.connect("media-configure", configure)
elif options.launch:
    factory.set_launch(f"( {options.launch} )")
elif options.loop:
    jpeg = "h264parse ! avdec_h264 ! videoconvert ! video/x-raw,format=I420 ! jpegenc ! rtpjpegpay name=pay0 pt=26"
    factory.set_launch(f"( appsrc name=units format=time max-bytes=1 ! {jpeg if options.mjpeg else payload} )")
    factory.connect("media-configure", configure_loop, *units(options.file))
else:
    factory.set_launch(f'( filesrc location="{options.file}" ! qtdemux ! h264parse ! {payload} )')
    factory.set_shared(True)
server = GstRtspServer.RTSPServer()
server.set_address(options.address)
server.set_service(options.port)
# As many as connect at once: by default a client waits until another has been answered.
server.set_backlog(256)
server.get_mount_points().add_factory("/clip", factory)
if options.user:
    token, auth, permissions = GstRtspServer.RTSPToken(), GstRtspServer.RTSPAuth(), GstRtspServer.RTSPPermissions()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "user")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(*options.user.split(":", 1)), token)
    server.set_auth(auth)
    for permission in GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS, GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT:
        permissions.add_permission_for_role("user", permission, True)
    factory.set_permissions(permissions)
if options.transport:
    lower = GstRtsp.RTSPLowerTrans
    factory.set_protocols({"tcp": lower.TCP, "udp": lower.UDP, "multicast": lower.UDP_MCAST}[options.transport])
if options.transport == "multicast":
    pool = GstRtspServer.RTSPAddressPool()
    pool.add_range("239.1.2.1", "239.1.2.9", 5000, 5019, 1)
    factory.set_address_pool(pool)
    factory.set_shared(True)
if options.tls:
    auth = GstRtspServer.RTSPAuth()
    auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(options.tls))
    token, permissions = GstRtspServer.RTSPToken(), GstRtspServer.RTSPPermissions()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "anyone")
    for permission in GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS, GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT:
        permissions.add_permission_for_role("anyone", permission, True)
    factory.set_permissions(permissions)
    auth.set_default_token(token)
    server.set_auth(auth)
if server.attach(None) == 0:
    sys.exit("the RTSP server cannot listen")
print(f"READY {'rtsps' if options.tls else 'rtsp'}://{options.address}:{server.get_bound_port()}/clip", flush=True)
loop = GLib.MainLoop()
if options.attached:
    GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: loop.quit())
loop.run()
