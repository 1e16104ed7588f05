r"""Servers on loopback addresses that write down what they are sent: python3 impostor.py ADDRESS...

All listen on one port, which is printed as "READY PORT". Every request that comes is a line, "ADDRESS\tREQUEST", with the line
breaks of the request as spaces. They speak RTSP and HTTP: who shows no password is asked for one; a path with /to/HOST is
redirected there; /playlist/ gives an HLS playlist whose segments are the URIs that follow, percent-encoded, comma between.
"""
import socket
import sys
import threading
import urllib.parse

lock = threading.Lock()


def say(text):
    with lock:
        print(text, flush=True)


def answer(request, port):
    lines = request.split("\r\n")
    words = lines[0].split(" ")
    is_rtsp = words[-1].startswith("RTSP/")
    path = words[1] if len(words) > 1 else "/"
    sequence = next((line for line in lines if line.lower().startswith("cseq:")), "CSeq: 0")
    head = f"RTSP/1.0 %s\r\n{sequence}\r\n" if is_rtsp else "HTTP/1.1 %s\r\nConnection: close\r\n"
    if words[0] == "OPTIONS":
        return head % "200 OK" + "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n"
    if "/to/" in path:
        host = path.split("/to/")[1].split("/")[0]
        scheme = "rtsp" if is_rtsp else "http"
        return head % "302 Found" + f"Location: {scheme}://{host}:{port}/landed\r\nContent-Length: 0\r\n\r\n"
    if "/playlist/" in path and not is_rtsp:
        uris = [urllib.parse.unquote(uri) for uri in path.split("/playlist/")[1].split("/")[0].split(",")]
        body = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXT-X-VERSION:3\n"
        body += "".join(f"#EXTINF:5,\n{uri}\n" for uri in uris)
        kind = "application/vnd.apple.mpegurl"
        return head % "200 OK" + f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    if not any(line.lower().startswith("authorization:") for line in lines):
        return head % "401 Unauthorized" + 'WWW-Authenticate: Basic realm="cam"\r\nContent-Length: 0\r\n\r\n'
    return head % "404 Not Found" + "Content-Length: 0\r\n\r\n"


def serve(connection, address, port):
    data = b""
    connection.settimeout(10)
    try:
        while True:
            piece = connection.recv(65536)
            if not piece:
                break
            data += piece
            while b"\r\n\r\n" in data:
                request, data = data.split(b"\r\n\r\n", 1)
                request = request.decode(errors="replace")
                say(address + "\t" + request.replace("\r\n", " "))
                connection.sendall(answer(request, port).encode())
    except OSError:
        pass
    if data:
        say(address + "\t" + data.decode(errors="replace").replace("\r\n", " ").replace("\n", " "))
    connection.close()


def listen(server, address, port):
    while True:
        connection, _ = server.accept()
        say(address + "\tconnected")
        threading.Thread(target=serve, args=(connection, address, port), daemon=True).start()


port = 0
servers = []
for address in sys.argv[1:]:
    server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(50)
    port = server.getsockname()[1]
    servers.append((server, address))
say(f"READY {port}")
for server, address in servers:
    threading.Thread(target=listen, args=(server, address, port), daemon=True).start()
threading.Event().wait()
