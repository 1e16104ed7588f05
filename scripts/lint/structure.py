#!/usr/bin/env python3
"""Checks the sizes of targets, folders, files and functions, and that no head is compared by name.

Limits are below. `known-exceptions.txt` beside this file has what exceeds them today: a line `rule count subject`. The
check fails if something else exceeds a limit, if a known exception grows, and if one is no longer needed.

    structure.py            checks; prints each problem; exit code 1 if there is any
    structure.py --list     prints everything that exceeds a limit, as lines of known-exceptions.txt
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KNOWN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "known-exceptions.txt")

LIMITS = {"target-files": 40, "target-lines": 4000, "folder-files": 20, "file-lines": 400, "function-lines": 60,
          "nesting": 5, "head-by-name": 0}
UNITS = {"target-files": "files in a target", "target-lines": "lines in a target", "folder-files": "files in a folder",
         "file-lines": "lines in a file", "function-lines": "lines in a function",
         "nesting": "blocks within each other in a function", "head-by-name": 'uses of the literal "tight"'}
CODE = ("Sources", "Plugins", "Tests", "Fuzz")
SOURCE = (".swift", ".c", ".h")
# Compute kernels: one target by its nature.
UNLIMITED_TARGETS = {"CKernels"}
# The plugin itself; everybody else asks a head for what it can do.
MAY_NAME_HEAD = ("Plugins/TightHead/", "Tests/", "Fuzz/")

SWIFT_DECLARATION = re.compile(
    r"\b(class|struct|enum|actor|protocol|extension|func|init|deinit|subscript|var|let)\b")
SWIFT_TYPES = {"class", "struct", "enum", "actor", "protocol", "extension"}


def blank_string(text, start):
    """The end of the Swift string literal at `start`, interpolations included."""
    hashes = 0
    at = start
    while text[at] == "#":
        hashes, at = hashes + 1, at + 1
    quote = '"""' if text.startswith('"""', at) else '"'
    at += len(quote)
    end, escape = quote + "#" * hashes, "\\" + "#" * hashes
    while at < len(text):
        if text.startswith(escape, at):
            at += len(escape)
            if text[at:at + 1] != "(":
                at += 1
                continue
            depth = 0
            while at < len(text):
                if text[at] == '"':
                    at = blank_string(text, at)
                    continue
                depth += {"(": 1, ")": -1}.get(text[at], 0)
                at += 1
                if depth == 0:
                    break
        elif text.startswith(end, at):
            return at + len(end)
        else:
            at += 1
    return at


def code_only(text, is_swift):
    """The text with comments, literals and preprocessor lines replaced by blanks; lines stay where they are."""
    out = list(text)

    def blank(start, end):
        for index in range(start, min(end, len(text))):
            if out[index] != "\n":
                out[index] = " "

    at = 0
    while at < len(text):
        start = at
        if text.startswith("//", at):
            at = text.find("\n", at)
            at = len(text) if at < 0 else at
        elif text.startswith("/*", at):
            depth, at = 1, at + 2
            while at < len(text) and depth:
                if is_swift and text.startswith("/*", at):
                    depth, at = depth + 1, at + 2
                elif text.startswith("*/", at):
                    depth, at = depth - 1, at + 2
                else:
                    at += 1
        elif is_swift and re.match(r'#*"', text[at:at + 4]):
            at = blank_string(text, at)
        elif not is_swift and text[at] in "\"'":
            at += 1
            while at < len(text) and text[at] != text[start]:
                at += 2 if text[at] == "\\" else 1
            at += 1
        elif not is_swift and text[at] == "#" and not text[text.rfind("\n", 0, at) + 1:at].strip():
            while True:
                at = text.find("\n", at)
                if at < 0 or text[at - 1] != "\\":
                    break
                at += 1
            at = len(text) if at < 0 else at
        else:
            at += 1
            continue
        blank(start, at)
    return "".join(out)


def swift_function(header, start):
    """Where the declaration begins whose header this is; nil unless its braces hold statements."""
    found = list(SWIFT_DECLARATION.finditer(header))
    if not found or found[-1].group(1) in SWIFT_TYPES:
        return None
    return start + found[-1].start()


def c_function(header, start):
    if "=" in header or "(" not in header:
        return None
    return start + len(header) - len(header.lstrip())


def functions(text, is_swift):
    """The first line, number of lines and deepest nesting of every function that is in no other one."""
    code = code_only(text, is_swift)
    header_start, stack, begun, deepest = 0, [], None, 0
    for at, character in enumerate(code):
        if character == "{":
            if begun is None:
                begin = (swift_function if is_swift else c_function)(code[header_start:at], header_start)
                if begin is not None:
                    begun, deepest = (begin, len(stack)), 0
            else:
                deepest = max(deepest, len(stack) - begun[1])
            stack.append(at)
        elif character == "}" and stack:
            stack.pop()
            if begun is not None and len(stack) == begun[1]:
                yield code.count("\n", 0, begun[0]) + 1, code.count("\n", begun[0], at) + 1, deepest
                begun = None
        if character in "{};":
            header_start = at + 1


def sources():
    """Paths of all source files, from the root."""
    for top in CODE:
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                if name.endswith(SOURCE):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def targets():
    """Name and path of every target of the package that is no test."""
    with open(os.path.join(ROOT, "Package.swift"), encoding="utf-8") as file:
        package = file.read()
    for target in re.split(r"\.(?=(?:target|executableTarget|systemLibrary)\()", package)[1:]:
        name = re.search(r'name:\s*"([^"]+)"', target)
        path = re.search(r'path:\s*"([^"]+)"', target)
        if name:
            yield name.group(1), path.group(1) if path else "Sources/" + name.group(1)
    for name in re.findall(r'headTarget\("(\w+)"', package):
        yield name, "Plugins/" + name


def measure():
    """Everything that exceeds a limit: {(rule, subject): count}."""
    found = {}

    def add(rule, subject, count):
        if count > LIMITS[rule]:
            found[rule, subject] = max(count, found.get((rule, subject), 0))

    lines, folders = {}, {}
    for path in sources():
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            text = file.read()
        lines[path] = text.count("\n")
        folder = os.path.dirname(path)
        folders[folder] = folders.get(folder, 0) + 1
        add("file-lines", path, lines[path])
        for line, count, depth in functions(text, path.endswith(".swift")):
            name = re.sub(r"\s+", " ", text.split("\n")[line - 1].strip())
            add("function-lines", f"{path}: {name}", count)
            add("nesting", f"{path}: {name}", depth)
        if not path.startswith(MAY_NAME_HEAD):
            code = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
            add("head-by-name", path, code.count('"tight"'))
    for folder, count in folders.items():
        add("folder-files", folder, count)
    for folder, _, names in os.walk(os.path.join(ROOT, "scripts")):
        add("folder-files", os.path.relpath(folder, ROOT), len([name for name in names if not name.endswith(".pyc")]))
    for name, path in targets():
        if name in UNLIMITED_TARGETS or path.startswith(("Tests/", "Fuzz/")):
            continue
        own = [count for file, count in lines.items() if file.startswith(path + "/")]
        add("target-files", name, len(own))
        add("target-lines", name, sum(own))
    return found


def known():
    with open(KNOWN, encoding="utf-8") as file:
        entries = [line.split(None, 2) for line in file if line.strip() and not line.startswith("#")]
    return {(rule, subject.strip()): int(count) for rule, count, subject in entries}


def main():
    found = measure()
    if "--list" in sys.argv[1:]:
        for (rule, subject), count in sorted(found.items()):
            print(rule, count, subject)
        return 0
    problems = []
    allowed = known()
    for (rule, subject), count in sorted(found.items()):
        limit = allowed.get((rule, subject), LIMITS[rule])
        if count > limit:
            problems.append(f"{subject}: expected at most {limit} {UNITS[rule]}, found {count}")
    for rule, subject in sorted(set(allowed) - set(found)):
        problems.append(f"{subject}: keeps to the limit of {rule} now; take it out of scripts/lint/known-exceptions.txt")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
