#!/usr/bin/python3
"""Checks the examples' YAML: keys of configurations against the shipped one, what they read of the API against its document."""
import json
import re
import sys

import yaml

problems = []


class Loader(yaml.SafeLoader):
    """Takes Home Assistant's own tags."""


Loader.add_constructor("!secret", lambda loader, node: f"secret {node.value}")


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader)


def shipped():
    """The shipped configuration shows every key in a comment: those lines begin with a key, or are indented under one."""
    with open("systemd/watchword.yaml", encoding="utf-8") as file:
        lines = [re.fullmatch(r"# ([a-z_]+:.*|  .*)", line.rstrip("\n")) for line in file]
    return yaml.safe_load("\n".join(line[1] for line in lines if line))


def keys(value):
    """All keys that a section of the shipped configuration shows, over all items of a list."""
    items = value if isinstance(value, list) else [value]
    return set().union(*(item for item in items if isinstance(item, dict)))


# Keys that the shipped configuration has no example for; Sources/Configuration knows them.
MORE = {"queries": {"images", "prompts", "head", "frames", "hysteresis", "update", "priority", "expires", "enabled",
                    "snapshot", "metadata"}}
# Sections whose keys are names.
NAMED = {"credentials", "regions"}


def compare(path, found, known, section=""):
    """Each key of a section must be known, and so must those within it."""
    for item in found if isinstance(found, list) else [found]:
        if not isinstance(item, dict):
            continue
        for key, value in item.items():
            if key not in keys(known) | MORE.get(section, set()):
                problems.append(f"{path}: {section or 'top'}: unknown key {key}")
                continue
            examples = [part[key] for part in (known if isinstance(known, list) else [known])
                        if isinstance(part, dict) and key in part]
            for example in examples[:1]:
                if key in NAMED and isinstance(value, dict) and isinstance(example, dict):
                    value, example = list(value.values()), list(example.values())
                compare(path, value, example, key)


def answers(document, path, method="get"):
    """Keys of an operation's answer, and of the items of its lists."""
    def resolve(schema):
        return document["components"]["schemas"][schema["$ref"].split("/")[-1]] if "$ref" in schema else schema

    schema = resolve(document["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"])
    found = set(schema["properties"])
    for property in schema["properties"].values():
        found |= set(resolve(property.get("items", {})).get("properties", {}))
    return found


def api(path, document):
    """Each address must be a path of the document, and each value that a template reads a key of its answer."""
    configuration = load(path)
    for part in configuration["rest"]:
        address = re.sub(r"^http://[^/]+", "", part["resource"])
        if address not in document["paths"]:
            problems.append(f"{path}: {address} is not in docs/openapi.json")
            continue
        known = answers(document, address) | {"query.id"}  # a message's own keys are left open by the document
        for sensor in part.get("sensor", []) + part.get("binary_sensor", []):
            template = sensor["value_template"]
            for key in re.findall(r"value_json\.(\w+)", template) + re.findall(r"attr\('([\w.]+)'", template):
                if key not in known:
                    problems.append(f"{path}: {sensor['name']}: {address} answers no {key}")
    for name, command in configuration["rest_command"].items():
        address = re.sub(r"^http://[^/]+", "", command["url"]).replace("{{ ", "{").replace(" }}", "}")
        if command["method"] not in document["paths"].get(address, {}):
            problems.append(f"{path}: {name}: {command['method']} {address} is not in docs/openapi.json")


cameras = "Examples/cameras/watchwordd.yaml"
compare(cameras, load(cameras), shipped())
with open("docs/openapi.json", encoding="utf-8") as file:
    api("Examples/home-assistant/configuration.yaml", json.load(file))
for problem in problems:
    print(problem, file=sys.stderr)
sys.exit(1 if problems else 0)
