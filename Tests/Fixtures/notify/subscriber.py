#!/usr/bin/env python3
"""A subscriber to a broker, which prints a line of JSON for each message. Its session outlives the broker and itself.

subscriber.py PORT NAME TOPIC [USER PASSWORD [CA]]
"""
import json
import sys
import time

import paho.mqtt.client as mqtt

port, name, topic = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def say(record):
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


def connected(client, _, flags, reason, properties):
    client.subscribe(topic, qos=1)


def subscribed(client, _, number, reasons, properties):
    say({"ready": True})


def arrived(client, _, message):
    record = {"topic": message.topic, "qos": message.qos, "retained": message.retain, "at": time.time()}
    try:
        text = message.payload.decode()
        record["text"] = text
        record["body"] = json.loads(text)
    except ValueError:
        record["bytes"] = len(message.payload)
    say(record)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, arrived
client.reconnect_delay_set(0.05, 0.2)
if len(sys.argv) > 5:
    client.username_pw_set(sys.argv[4], sys.argv[5])
if len(sys.argv) > 6:
    client.tls_set(sys.argv[6])
while True:
    try:
        client.connect("localhost", port, keepalive=10)
        break
    except OSError:
        time.sleep(0.05)
client.loop_forever(retry_first_connection=True)
