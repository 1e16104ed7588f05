#!/usr/bin/env python3
"""A Home Assistant with its MQTT integration. It prints {"ready": true}, and for each line of standard input what it has of
Watchword's: {"states": {ENTITY: {"state": STATE, SOME ATTRIBUTES}}, "devices": [NAME], "images": {ENTITY: BYTES}}.

home.py FOLDER BROKER_PORT HTTP_PORT
"""
import asyncio
import json
import os
import sys

from homeassistant import bootstrap, runner
from homeassistant.helpers import device_registry, entity_registry

SHOWN = ["friendly_name", "device_class", "threshold", "query"]
folder, broker, port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def say(record):
    sys.stdout.write(json.dumps(record, default=str) + "\n")
    sys.stdout.flush()


def prepare():
    os.makedirs(f"{folder}/.storage", exist_ok=True)
    with open(f"{folder}/configuration.yaml", "w") as file:
        file.write(f"http:\n  server_host: 127.0.0.1\n  server_port: {port}\nlogger:\n  default: warning\n")
    entry = {
        "entry_id": "watchword", "version": 1, "minor_version": 1, "domain": "mqtt", "title": "MQTT",
        "data": {"broker": "127.0.0.1", "port": broker}, "options": {}, "pref_disable_new_entities": False,
        "pref_disable_polling": False, "source": "user", "unique_id": None, "disabled_by": None}
    with open(f"{folder}/.storage/core.config_entries", "w") as file:
        json.dump({"version": 1, "minor_version": 1, "key": "core.config_entries", "data": {"entries": [entry]}}, file)


def ours(hass):
    entities = entity_registry.async_get(hass)
    return [entity for entity in entities.entities.values() if entity.platform == "mqtt"]


async def answer(hass):
    images = {}
    for entity in ours(hass):
        if entity.domain == "image":
            image = hass.data["image"].get_entity(entity.entity_id)
            data = await image.async_image() if image and image.image_last_updated else None
            images[entity.entity_id] = len(data or b"")
    devices = device_registry.async_get(hass).devices.values()
    states = {}
    for entity in ours(hass):
        state = hass.states.get(entity.entity_id)
        known = {key: state.attributes.get(key) for key in SHOWN} if state else {}
        states[entity.entity_id] = {"state": state.state if state else None, **known}
    say({"states": states, "devices": [device.name for device in devices], "images": images})


async def main():
    prepare()
    # No page, and nothing that is for it.
    bootstrap.DEFAULT_INTEGRATIONS = {"logger"}
    bootstrap.CRITICAL_INTEGRATIONS = set()
    hass = await bootstrap.async_setup_hass(
        runner.RuntimeConfig(config_dir=folder, skip_pip=True, recovery_mode=False, safe_mode=False))
    await hass.async_start()
    say({"ready": True})
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        await answer(hass)
    await hass.async_stop(force=True)


asyncio.run(main())
