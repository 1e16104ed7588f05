#!/usr/bin/python3
"""Servers on loopback that do not give a stream, each for another reason: prints READY and the ports by name, as JSON.

`silent` never answers, `closing` hangs up, `ssh` speaks another protocol, `page` has a web page, `tls` a certificate that
nobody has signed; `rtsp-403`, `http-404` and so on answer every request with that status, `http-502` with a reason of 20,000 letters. They
end with standard input.
"""
import json
import pathlib
import socket
import ssl
import sys
import threading

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/tls"
held = []


def request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(4096)
        if not more:
            return None
        data += more
    return data


def silent(connection):
    held.append(connection)


def closing(connection):
    connection.close()


def ssh(connection):
    connection.recv(4096)
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n")
    held.append(connection)


def page(connection):
    request(connection)
    body = b"<html><body>Welcome to your camera</body></html>" * 50
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    connection.close()


def rtsp(status):
    def serve(connection):
        while data := request(connection):
            sequence = [line for line in data.split(b"\r\n") if line.lower().startswith(b"cseq")]
            connection.sendall(b"RTSP/1.0 %s\r\n%s\r\n\r\n" % (status, sequence[0]))

    return serve


def http(status):
    def serve(connection):
        request(connection)
        connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
        connection.close()

    return serve


def tls(connection):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FIXTURES / "certificate.pem", FIXTURES / "key.pem")
    try:
        held.append(context.wrap_socket(connection, server_side=True))
    except (ssl.SSLError, OSError):
        connection.close()


def listen(serve):
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def closed():
    """A port that was free a moment ago, and is not listened to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


servers = {"silent": silent, "closing": closing, "ssh": ssh, "page": page, "tls": tls}
for line in ("403 Forbidden", "404 Not Found", "453 Not Enough Bandwidth", "500 Internal Server Error"):
    servers["rtsp-" + line[:3]] = rtsp(line.encode())
for line in ("401 Unauthorized", "403 Forbidden", "404 Not Found", "500 Internal Server Error", "503 Service Unavailable"):
    servers["http-" + line[:3]] = http(line.encode())
servers["http-502"] = http(b"502 " + b"x" * 20000)
ports = {name: listen(serve) for name, serve in servers.items()}
print("READY " + json.dumps({**ports, "closed": closed()}), flush=True)
sys.stdin.read()
