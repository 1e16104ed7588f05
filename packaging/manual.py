"""Manual pages from what the programs say of themselves: `--experimental-dump-help`, and the commented configuration.

usage: manual.py FILE SECTION    FILE: a program's dumped help for sections 1 and 8, the configuration for 5
"""
import json
import os
import re
import sys
import time

DATE = time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))


def roff(text):
    """Text that means nothing else to roff."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def flag(name):
    return {"short": "-", "long": "--", "longWithSingleDash": "-"}[name["kind"]] + name["name"]


def is_shown(argument):
    return argument.get("shouldDisplay", True) and argument["valueName"] not in ("help", "version")


def argument_lines(argument):
    """An argument's paragraph: its names, then what it is for."""
    names = ", ".join(flag(name) for name in argument.get("names", []))
    value = argument["valueName"]
    title = {
        "positional": f"\\fI{roff(value)}\\fR",
        "flag": f"\\fB{roff(names)}\\fR",
        "option": f"\\fB{roff(names)}\\fR \\fI{roff(value)}\\fR",
    }[argument["kind"]]
    about = argument.get("abstract", "")
    if argument.get("defaultValue"):
        about += f" (default: {argument['defaultValue']})"
    return [".TP", title, roff(about) or "\\&"]


def usage(command, path):
    words = [f"\\fB{roff(' '.join(path))}\\fR"]
    for argument in filter(is_shown, command.get("arguments", [])):
        word = f"\\fI{roff(argument['valueName'])}\\fR"
        if argument["kind"] != "positional":
            flags = f"\\fB{roff(flag(argument['preferredName']))}\\fR"
            word = flags if argument["kind"] == "flag" else f"{flags} {word}"
        if argument.get("isRepeating"):
            word += "..."
        words.append(f"[{word}]" if argument["isOptional"] else word)
    return " ".join(words)


def commands_of(command):
    return [c for c in command.get("subcommands", []) if c["commandName"] != "help" and c.get("shouldDisplay", True)]


def command_lines(command, path):
    """A command and those under it."""
    subcommands = commands_of(command)
    lines = []
    if not subcommands:
        if len(path) > 1:
            lines += [f".SS {roff(' '.join(path[1:]))}", roff(command.get("abstract", "")), ".P"]
        lines.append(usage(command, path))
        if command.get("discussion"):
            lines += [".P", roff(command["discussion"])]
        for argument in filter(is_shown, command.get("arguments", [])):
            lines += argument_lines(argument)
    for subcommand in subcommands:
        lines += command_lines(subcommand, path + [subcommand["commandName"]])
    return lines


EXIT = [
    ("0", "all is well"), ("64", "the command line is wrong"), ("65", "bad data"), ("66", "an input that is not there, or is not whole"),
    ("69", "what is needed is not available: the daemon, a socket"), ("73", "a file cannot be made"),
    ("74", "what was to be printed or stored cannot be written, or standard input not read"),
    ("77", "it is not allowed: by the daemon, whose role for this client does not reach so far, or since a key or a socket may be "
     "another user's"), ("78", "the configuration is wrong"),
]
FILES = [
    ("/etc/watchword/watchword.yaml", "the daemon's configuration, watchword.yaml(5)"),
    ("/usr/lib/watchword/heads", "head plugins"),
    ("/usr/share/watchword", "pipeline templates, and the bundled model"),
    ("/var/lib/watchword", "the journal, its snapshots, and models that were pulled by root"),
    ("/run/watchword", "the daemon's sockets; without systemd they are in $XDG_RUNTIME_DIR/watchword, else in /tmp/watchword-UID"),
]
SIGNALS = [
    ("SIGTERM, SIGINT", "Streams stop, open events end, the journal is flushed, and the daemon exits with 0 within 5 s. "
     "A second one ends it at once."),
    ("SIGHUP", "The configuration is read again: streams, queries and clients that changed are replaced, all others go on. "
     "A wrong one is refused whole."),
]
OUTPUT = """A standard output that cannot be written ends a command with 74 and a sentence; one whose reader has gone, as in \
a pipe to head(1), ends it as SIGPIPE does. Tables are folded to the terminal's width, or to COLUMNS; without either, to 80. \
Control characters, and others that would hide or reorder text, are printed as escapes, in JSON as \\u001b."""
SYSTEMD = """The daemon tells systemd when it is ready, when it ends and what it does (sd_notify(3)). It pings the watchdog as long as \
the scoring loop goes round: with no stream at all, but not while a head plugin hangs. The journal gets one line an event, \
with its priority."""


def definitions(heading, pairs):
    lines = [f".SH {heading}"]
    for name, about in pairs:
        lines += [".TP", f"\\fB{roff(name)}\\fR", roff(about)]
    return lines


def program(dumped, section):
    command = dumped["command"]
    name = command["commandName"]
    lines = [f".TH {name.upper()} {section} {DATE} Watchword", ".SH NAME", f"{name} \\- {roff(command['abstract'])}"]
    if commands_of(command):
        lines += [".SH SYNOPSIS", f"\\fB{name}\\fR \\fIcommand\\fR [\\fIarguments\\fR]", ".SH COMMANDS"]
        lines += ["Every command takes \\fB\\-\\-help\\fR."] + command_lines(command, [name])
    else:
        lines += [".SH SYNOPSIS", usage(command, [name]), ".SH OPTIONS"]
        for argument in filter(is_shown, command["arguments"]):
            lines += argument_lines(argument)
        lines += definitions("SIGNALS", SIGNALS) + [".SH SYSTEMD", roff(SYSTEMD)]
    if commands_of(command):
        lines += [".SH OUTPUT", roff(OUTPUT)]
    lines += definitions("EXIT STATUS", EXIT) + definitions("FILES", FILES)
    others = [page for page in ("watchword(1)", "watchwordd(8)", "watchword.yaml(5)") if not page.startswith(f"{name}(")]
    return lines + [".SH SEE ALSO", roff(", ".join(others))]


def configuration(text):
    head, _, rest = text.partition("\n\n")
    about = re.sub(r"\s*\n# ", " ", head.removeprefix("# "))
    lines = [f".TH WATCHWORD.YAML 5 {DATE} Watchword", ".SH NAME", "watchword.yaml \\- the configuration of watchwordd"]
    lines += [".SH SYNOPSIS", "/etc/watchword/watchword.yaml", ".SH DESCRIPTION", roff(about), ".SH KEYS"]
    lines += [".nf", roff(rest.rstrip()), ".fi"]
    return lines + [".SH SEE ALSO", "watchwordd(8), watchword(1)"]


def main():
    path, section = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    print("\n".join(configuration(text) if section == "5" else program(json.loads(text), section)))


main()
