#!/usr/bin/env python3
"""A broker that does wrong, by its first argument: `silent` takes connections and says nothing; `mute` welcomes and
confirms nothing; `slow` confirms each message after 100 ms. Prints a line of JSON for each message.

wrong-broker.py MODE PORT
"""
import json
import socket
import struct
import sys
import threading
import time

mode, port = sys.argv[1], int(sys.argv[2])
lock = threading.Lock()


def say(record):
    with lock:
        sys.stdout.write(json.dumps(record) + "\n")
        sys.stdout.flush()


def exactly(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


def length(connection):
    value, shift = 0, 0
    while True:
        byte = exactly(connection, 1)[0]
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value


def serve(connection):
    waiting = 0
    try:
        while True:
            kind = exactly(connection, 1)[0]
            body = exactly(connection, length(connection))
            if kind >> 4 == 1:  # CONNECT
                if mode == "silent":
                    continue
                version = body[6]
                connection.sendall(b"\x20\x03\x00\x00\x00" if version == 5 else b"\x20\x02\x00\x00")
            elif kind >> 4 == 3:  # PUBLISH
                size = struct.unpack(">H", body[:2])[0]
                number = body[2 + size:4 + size]
                say({"topic": body[2:2 + size].decode()})
                if mode == "slow":
                    time.sleep(0.1)
                    connection.sendall(b"\x40\x02" + number)
            elif kind >> 4 == 12:  # PINGREQ
                connection.sendall(b"\xd0\x00")
            elif kind >> 4 == 14:  # DISCONNECT
                return
    except OSError:
        pass
    finally:
        connection.close()


listener = socket.create_server(("127.0.0.1", port))
say({"ready": True})
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
