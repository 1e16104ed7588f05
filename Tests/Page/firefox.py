#!/usr/bin/python3
"""The smoke path of the page in Debian's Firefox: `firefox.py WATCHWORDD FOLDER PORT CAMERA`, with the URI of an H.264 camera.

Firefox is driven by WebDriver BiDi over its own socket, since Debian has no geckodriver. Prints one line a step, as browser.py
does.
"""
import itertools, json, re, subprocess, sys
from pathlib import Path

import websocket

from browser import BASE, FOLDER, PORT, Daemon, api, says, until

CAMERA = sys.argv[4]
NOTE = "() => addEventListener('securitypolicyviolation', e => (window.violations ??= []).push(e.violatedDirective))"


class Firefox:
    """A tab of a headless Firefox with a profile of its own."""

    def __init__(self):
        profile = Path(FOLDER, "profile")
        profile.mkdir()
        self.process = subprocess.Popen(
            ["/usr/bin/firefox-esr", "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0", "about:blank"],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        address = next(found for line in self.process.stderr if (found := re.search(r"ws://\S+", line))).group()
        subprocess.Popen(["cat"], stdin=self.process.stderr, stdout=subprocess.DEVNULL)
        self.socket = websocket.create_connection(address + "/session", suppress_origin=True, timeout=60)
        self.numbers, self.complaints = itertools.count(1), []
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=["log.entryAdded"])
        self.tab = self.ask("browsingContext.getTree")["contexts"][0]["context"]
        self.ask("script.addPreloadScript", functionDeclaration=NOTE)
        self.ask("browsingContext.setViewport", context=self.tab, viewport={"width": 1280, "height": 800})

    def ask(self, method, **params):
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            said = json.loads(self.socket.recv())
            if said.get("method") == "log.entryAdded" and said["params"]["level"] in ("error", "warn"):
                self.complaints.append(said["params"].get("text"))
            if said.get("id") == number:
                assert said["type"] == "success", f"{method}: {said}"
                return said["result"]

    def run(self, expression):
        """The value of an expression, as JSON has it."""
        found = self.ask(
            "script.evaluate", expression=f"JSON.stringify({expression})", target={"context": self.tab}, awaitPromise=True)
        assert found["type"] == "success", found
        return json.loads(found["result"].get("value", "null"))

    def one(self, selector, text=""):
        """Waits for an element that is shown and has a text; returns the middle of it in the window."""
        find = (f"(() => {{ const e = [...document.querySelectorAll({json.dumps(selector)})].find(e => e.checkVisibility() && "
                f"e.textContent.includes({json.dumps(text)})); if (!e) return null; e.scrollIntoView({{block: 'nearest'}}); "
                "const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()")
        return until(f"{selector} {text}", lambda: self.run(find))

    def press(self, selector, text=""):
        x, y = map(round, self.one(selector, text))
        self.ask("input.performActions", context=self.tab, actions=[{"type": "pointer", "id": "mouse", "actions": [
            {"type": "pointerMove", "x": x, "y": y}, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]}])

    def write(self, text):
        self.ask("input.performActions", context=self.tab, actions=[{"type": "key", "id": "keys", "actions": [
            {"type": way, "value": key} for key in text for way in ("keyDown", "keyUp")]}])

    def go(self, room):
        self.run(f"location.hash = {json.dumps('#' + room)}")

    def check(self, place):
        assert not self.run("window.violations ?? null"), f"policy in {place}: {self.run('window.violations')}"
        assert not self.complaints, f"console in {place}: {self.complaints}"

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


ENTER = "\ue007"


def visit(page):
    page.ask("browsingContext.navigate", context=page.tab, url=BASE + "/", wait="complete")
    page.one("h1", "What should be watched?")
    page.press("#first-uri")
    page.write("shapes://7" + ENTER)
    page.one(".tile", "shapes-7")
    source = "(i => i && i.naturalWidth > 0 && i.src)(document.querySelector('.tile img'))"
    first = until("a picture", lambda: page.run(source))
    until("another picture", lambda: page.run(source) not in (first, False))
    page.check("the wall")
    says("a stream is added, and seen live")
    page.press("a.btn", "Say what to watch for")
    page.press("textarea")
    page.write("something appears")
    page.one(".trials li b")
    page.press("button.arm")
    until("its address", lambda: page.run("location.hash") == "#queries/something-appears")
    page.go("events")
    page.one(".ev", "something appears")
    until("its picture", lambda: page.run("(i => i && i.complete && i.naturalWidth > 0)(document.querySelector('.detail img'))"))
    page.check("the events")
    says("a query is added, and its event appears with its picture")
    page.press(".verdict button", "Wrong")
    page.one(".verdict", "It was called wrong.")
    page.go("search/something%20appears")
    loaded = "[...document.querySelectorAll('.momentlist img')].filter(i => i.complete && i.naturalWidth > 0).length"
    until("pictures of the past", lambda: page.run(loaded) > 0)
    says("it is marked wrong, and a search shows moments")


def camera(page):
    api("/streams", method="POST", body={"name": "gate", "uri": CAMERA})
    page.go("focus/gate")
    until("the video runs", lambda: (page.run("(v => v && !v.paused && v.currentTime)(document.querySelector('.coded video.coded'))") or 0) > 1)
    page.one(".live", "Live")
    page.check("a stream's video")
    says("a camera's video runs")


def recovery(page, daemon):
    page.go("events")
    assert daemon.stop() == 0
    page.one("#bannertext", "tries again in")
    daemon.start()
    until("the connection", lambda: page.run("document.querySelector('#banner').hidden") and page.run("document.querySelector('#link').textContent").strip() == "Live")
    page.one(".ev", "something appears")
    assert not page.run("window.violations ?? null")
    says("a restart of the daemon is survived")


def configuration():
    path, root = f"{FOLDER}/firefox.yaml", Path(__file__).resolve().parents[2]
    Path(path).write_text(
        f"model: {root}/Models/shapes\njournal: {FOLDER}/firefox.sqlite\npipelines: {root}/Pipelines\n"
        f"publish: ipc://{FOLDER}/e\ncontrol: ipc://{FOLDER}/c\nlog: {{level: error}}\n"
        f'http: {{listen: "127.0.0.1:{PORT}"}}\nsources: {{addresses: [127.0.0.1]}}\n')
    return path


def main():
    daemon, page = Daemon(configuration()), Firefox()
    try:
        daemon.start()
        until("the daemon", lambda: api("/status"))
        visit(page)
        camera(page)
        recovery(page, daemon)
        assert daemon.stop() == 0
    except (AssertionError, websocket.WebSocketException) as error:
        print("failed:", error, "\non the screen:", page.run("document.body.innerText")[:2000], flush=True)
        sys.exit(1)
    finally:
        page.end()
        if daemon.process and daemon.process.poll() is None:
            daemon.process.kill()


main()
