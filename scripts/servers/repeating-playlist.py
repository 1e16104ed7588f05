#!/usr/bin/python3
"""A live HLS playlist on loopback whose clip begins again and again, without a mark that it does: prints READY and its port.

`repeating-playlist.py FOLDER`: the folder has the clip's segments of a second, 0.ts, 1.ts, … Their time stamps jump back
with every round, which a player must be told by EXT-X-DISCONTINUITY, and is not.
"""
import http.server
import pathlib
import sys
import time

folder = pathlib.Path(sys.argv[1])
segments = [folder.joinpath(f"{i}.ts").read_bytes() for i in range(len(list(folder.glob("*.ts"))))]
began = []


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/live.m3u8":
            # Its first client begins with the clip.
            if not began:
                began.append(time.monotonic())
            first = int(time.monotonic() - began[0])
            lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
            for number in range(first, first + 4):
                lines += ["#EXTINF:1.0,", f"{number}.ts"]
            kind, body = "application/vnd.apple.mpegurl", "\n".join(lines).encode() + b"\n"
        else:
            number = int(self.path.strip("/").removesuffix(".ts"))
            kind, body = "video/mp2t", segments[number % len(segments)]
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"READY {server.server_port}", flush=True)
server.serve_forever()
