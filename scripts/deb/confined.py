"""Runs a command with the system calls and address families that a unit allows, and no others, where systemd does not run;
for root, nothing in its state, cache and runtime directories can be executed, either.

usage: confined.py UNIT COMMAND [ARGUMENT...]

A call that is not allowed fails as it does under systemd, by libseccomp. The rest of a sandbox (mounts, users) is the caller's.
"""
import ctypes
import errno
import os
import socket
import subprocess
import sys

ALLOW, KILL = 0x7FFF0000, 0x80000000
EQUAL = 4  # SCMP_CMP_EQ


class Argument(ctypes.Structure):
    _fields_ = [("index", ctypes.c_uint), ("operator", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def settings(path):
    """Every setting of a unit, with its values in their order."""
    found = {}
    with open(path, encoding="utf-8") as unit:
        for line in unit:
            name, sign, value = line.strip().partition("=")
            if sign and not name.startswith(("#", ";")):
                found.setdefault(name, []).append(value)
    return found


def calls(word):
    """The system calls that a word of SystemCallFilter= means."""
    if not word.startswith("@"):
        return {word}
    listing = subprocess.run(["systemd-analyze", "syscall-filter", word], check=True, capture_output=True, text=True)
    members = [line.strip() for line in listing.stdout.splitlines()[1:]]
    return set().union(*(calls(member) for member in members if member and not member.startswith("#")))


def allowed(filters):
    result = set()
    for value in filters:
        names = set().union(*(calls(word) for word in value.lstrip("~").split()))
        result = result - names if value.startswith("~") else result | names
    return result


def confine(unit):
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(0x00050000 | getattr(errno, unit["SystemCallErrorNumber"][-1])))
    families = [getattr(socket, name) for name in " ".join(unit["RestrictAddressFamilies"]).split()]
    for name in sorted(allowed(unit["SystemCallFilter"])):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            continue  # a call of another machine
        if name != "socket":
            assert library.seccomp_rule_add(context, ALLOW, number, 0) == 0, name
            continue
        for family in families:
            argument = Argument(0, EQUAL, family, 0)
            assert library.seccomp_rule_add_array(context, ALLOW, number, 1, ctypes.byref(argument)) == 0, family
    assert library.seccomp_load(context) == 0


def forbid_execution():
    """Mounts what the command may write anew, so that nothing in it is executed; only root may."""
    library = ctypes.CDLL(None, use_errno=True)
    folders = [os.environ.get(f"{name}_DIRECTORY") for name in ("STATE", "CACHE", "RUNTIME")]
    if os.geteuid() != 0 or library.unshare(0x00020000) != 0:  # CLONE_NEWNS
        return
    if subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True).returncode != 0:
        return
    for folder in filter(None, folders):
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["mount", "--bind", folder, folder], check=True)
        subprocess.run(["mount", "-o", "remount,bind,noexec", folder], check=True)


def main():
    path, *command = sys.argv[1:]
    forbid_execution()
    # Loads the filter for the process that becomes the command; exec is among what every service may do.
    confine(settings(path))
    os.execvp(command[0], command)


main()
