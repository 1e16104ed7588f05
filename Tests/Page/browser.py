#!/usr/bin/python3
"""The page in Debian's Chromium against a real daemon: `browser.py WATCHWORDD FOLDER PORT`.

Prints one line a step; the first that does not come to be ends it with what was on the screen and exit code 1.
"""
import json, os, subprocess, sys, time, urllib.error, urllib.request
from pathlib import Path

import axe_core_python
from selenium import webdriver
from selenium.common.exceptions import JavascriptException, StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

PROGRAM, FOLDER, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
BASE = f"http://127.0.0.1:{PORT}"
SIZES = [(360, 740), (1280, 800), (2560, 1300)]
AXE = Path(axe_core_python.__file__).with_name("axe.min.js").read_text()
PATIENCE = 60
ROOMS = ["wall", "events", "search/something%20appears", "queries", "queries/new", "streams", "notifiers", "focus/shapes-7"]


class Daemon:
    """The daemon on a configuration, which is started and told to end."""

    def __init__(self, config):
        self.config, self.process = config, None

    def start(self):
        self.process = subprocess.Popen([PROGRAM, "--config", self.config])

    def stop(self):
        self.process.terminate()
        return self.process.wait(20)


def api(path, token=None, method="GET", body=None):
    request = urllib.request.Request(BASE + "/api/v1" + path, method=method, data=body and json.dumps(body).encode())
    if body:
        request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", "Bearer " + token)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    # Root has no sandbox of Chromium's.
    for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    note = "addEventListener('securitypolicyviolation', e => (window.violations ??= []).push(e.violatedDirective))"
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": note})
    size(driver, 1280, 800)
    return driver


def size(driver, width, height):
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})


def until(what, condition):
    """Waits for a condition, whose value it returns."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if found := condition():
                return found
        except (StaleElementReferenceException, JavascriptException, urllib.error.URLError, OSError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"it never came to be: {what}")


class Page:
    def __init__(self, driver):
        self.driver = driver

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return " ".join(e.text for e in self.all(selector))

    def one(self, selector, text=""):
        return until(f"{selector} {text}", lambda: next((e for e in self.all(selector) if e.is_displayed() and text in e.text), None))

    def press(self, selector, text=""):
        """Clicks on what may be drawn anew at any time."""
        until(f"a click on {selector} {text}", lambda: self.one(selector, text).click() or True)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def go(self, room):
        self.run("location.hash = arguments[0]", "#" + room)
        until(room, lambda: self.all("main > .view"))

    def check(self, place):
        """No serious finding of axe's, and nothing that a console or the policy complains of."""
        self.run(AXE)
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations), e => done([{id: String(e)}]))")
        serious = [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found if v.get("impact") in ("serious", "critical", None)]
        assert not serious, f"axe in {place}: {serious}"
        self.complaints(place)

    def complaints(self, place, away=False):
        assert not self.run("return window.violations"), f"policy in {place}: {self.run('return window.violations')}"
        wrong = [e["message"] for e in self.driver.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]
        if away:
            wrong = [m for m in wrong if "Failed to load resource" not in m]
        assert not wrong, f"console in {place}: {wrong}"

    def fits(self, place):
        over = self.run("return document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, f"{place} is {over} px too wide"


    def everywhere(self, places, seen):
        """Each place, in every size, light and dark: it fits, and nobody complains of it."""
        for scheme in ["light", "dark"]:
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
            for width, height in SIZES:
                size(self.driver, width, height)
                for place in places:
                    seen(place)
                    time.sleep(0.2)
                    self.fits(f"{place} at {width}")
                    self.check(f"{place} at {width}, {scheme}")
        size(self.driver, 1280, 800)


def says(step):
    print(step, flush=True)


def first_visit(page):
    page.driver.get(BASE + "/")
    page.one("h1", "What should be watched?")
    page.check("the first visit")
    says("an empty daemon asks what should be watched")
    page.one("#first-uri").send_keys("nothing://x")
    page.one(".first button[type=submit]").click()
    assert "nothing" in page.one(".error span").text.lower()
    says("an address that cannot be opened is refused by a sentence")
    page.complaints("the refusal", away=True)
    page.one("#first-uri").clear()
    page.one("#first-uri").send_keys("shapes://7", Keys.ENTER)
    tile = page.one(".tile", "shapes-7")
    picture = tile.find_element(By.TAG_NAME, "img")
    first = until("a picture", lambda: page.run("const i = arguments[0]; return i.naturalWidth > 0 && i.src", picture))
    until("another picture", lambda: page.run("const i = arguments[0]; return i.naturalWidth > 0 && i.src", picture) not in (first, False))
    says("a stream is added, and seen live")


def query(page):
    page.one("a.btn", "Say what to watch for").click()
    page.one("textarea").send_keys("something appears")
    page.one(".trials li b")
    says("a sentence is scored before it stands")
    page.one("textarea").send_keys(Keys.CONTROL, Keys.ENTER)
    until("the address", lambda: page.run("return location.hash") == "#queries/something-appears")
    assert api("/queries/something-appears")["text"] == "something appears"
    says("it is added by the keyboard")
    page.run("document.activeElement.blur()")
    page.driver.switch_to.active_element.send_keys("2")
    page.one(".ev", "something appears")
    # The picture of its peak is loaded.
    until("its picture", lambda: page.run("const i = document.querySelector('.detail img'); return i && i.complete && i.naturalWidth > 0"))
    says("an event appears, with its picture")
    page.driver.switch_to.active_element.send_keys("e")
    page.one(".why .told b")
    says("the event is explained")
    page.go("focus/shapes-7")
    page.one(".lane", ", threshold 0.")
    points = "const c = document.querySelector('.lane canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; return new Set(new Uint32Array(d.buffer)).size"
    until("a curve", lambda: page.run(points) > 3)
    page.one("[aria-label^='Show the scores as a table']").click()
    page.one(".lane tbody td")
    says("its curve is drawn, and told as a table")


def marks(page):
    page.go("events")
    chosen = "const e = document.querySelector('.ev[aria-current]'); return e && e.dataset.event"
    event = until("a chosen event", lambda: page.run(chosen))
    page.run("document.activeElement.blur()")
    page.driver.switch_to.active_element.send_keys("e")
    page.one(".why .told b")
    page.run("window.read = [document.querySelector('.why .told'), document.querySelector('.ev[aria-current]')]")
    known = len(page.all(".ev"))
    until("more events", lambda: len(page.all(".ev")) > known)
    assert page.run(chosen) == event and page.run("return window.read.every(e => e.isConnected)")
    says("what is read of an event stays while others come")
    page.driver.switch_to.active_element.send_keys("w")
    page.one(".verdict", "It was called wrong.")
    assert api("/queries/something-appears")["verdicts"] == {"right": 0, "wrong": 1}
    page.driver.refresh()
    page.one(".verdict", "It was called wrong.") if page.run("return location.hash").endswith(event) else page.go("events/" + event)
    page.one(".verdict", "It was called wrong.")
    page.press(".verdict button", "Undo")
    page.one(".verdict", "Right")
    assert api("/queries/something-appears").get("verdicts", {"wrong": 0})["wrong"] == 0
    page.go("events/00000000-0000-4000-8000-000000000000")
    page.one(".detail", "This event is not among those")
    page.complaints("marks")
    says("an event is marked wrong, and the mark is taken back")


def edits(page):
    api("/queries/something-appears", method="PATCH", body={"tags": ["kept"]})
    page.go("queries/something-appears")
    page.one(".past", "It would have")
    page.one(".trials li b")
    page.run("""window.sent = []; const real = window.fetch;
        window.fetch = (path, options) => { if (options?.method === 'PATCH') window.sent.push(options.body); return real(path, options); };""")
    page.one("[data-list=phrasings] input").send_keys("a shape appears", Keys.ENTER)
    page.one("[data-list=phrasings] li", "a shape appears")
    page.one("textarea").send_keys(Keys.CONTROL, Keys.ENTER)
    until("the query", lambda: api("/queries/something-appears")["phrasings"] == ["a shape appears"])
    assert [json.loads(body) for body in page.run("return window.sent")] == [{"phrasings": ["a shape appears"]}]
    assert api("/queries/something-appears")["tags"] == ["kept"]
    says("a query is changed by what is edited alone")
    page.one("[value=score] + span").click()
    page.one("[name=threshold]").clear()
    page.one("button.arm").click()
    page.one(".arm .error", "number of the rule")
    assert len(page.run("return window.sent")) == 1
    page.one("button", "Remove").click()
    page.one("dialog h2", "Remove this query?")
    page.go("queries/new")
    assert not page.run("return document.querySelector('#dialog').open")
    page.complaints("the editor")
    says("a rule without its number is refused, and a dialog goes with its room")
    page.go("streams/add")
    for address, name in [("rtsp://me:secret@10.0.4.110:554/token", "10-0-4-110"), ("rtsp://me:sec/ret@10.0.4.110/x", "camera"), ("shapes://7", "shapes-7-2")]:
        page.one("dialog [name=uri]").clear()
        page.one("dialog [name=uri]").send_keys(address)
        assert page.run("return document.querySelector('dialog [name=name]').value") == name, address
    page.one("dialog [name=name]").clear()
    page.one("dialog [name=name]").send_keys("shapes-7", Keys.ENTER)
    page.one("dialog .error", "There is a stream shapes-7 already.")
    page.one("dialog button", "Cancel").click()
    says("a stream's name is taken once, and holds no part of an address that may be secret")


def search(page):
    """Moments with their pictures, and what is like one of them or like an event."""
    loaded = "return [...document.querySelectorAll('.momentlist img')].filter(i => i.complete && i.naturalWidth > 0).length"
    page.go("search")
    page.one(".searchform [type=search]").send_keys("something appears", Keys.ENTER)
    until("its pictures", lambda: page.run(loaded) > 0)
    sizes = page.run("return [...document.querySelectorAll('.momentlist img')].filter(i => i.complete).map(i => Math.max(i.naturalWidth, i.naturalHeight))")
    assert max(sizes) <= 320, sizes
    page.check("the search")
    says("a search shows moments with their pictures")
    first = until("the first moment", lambda: page.one(".momentlist b").text)
    page.press(".momentlist a", "More like this")
    page.one(".like b", first)
    # Nothing is more like it than itself.
    until("the moment again", lambda: page.all(".momentlist li") and page.one(".momentlist b").text == first and "1.000" in page.text(".momentlist li:first-child"))
    until("the picture of it", lambda: page.run("const i = document.querySelector('.like img'); return i && i.naturalWidth > 0"))
    says("more like one of them finds it first")
    page.go("events")
    page.press(".what a.btn", "More like this")
    until("its pictures", lambda: page.all(".like a") and page.run(loaded) > 0)
    page.check("more like an event")
    says("and so does more like an event")
    page.go("queries/something-appears")
    until("pictures beside the threshold", lambda: page.run("return [...document.querySelectorAll('.sides img')].filter(i => i.naturalWidth > 0).length") > 0)
    page.check("the query's past")
    says("a query's past shows pictures beside its threshold")
    page.go("focus/shapes-7")
    if page.one("[aria-label^='Show the scores as a table']").get_attribute("aria-pressed") == "true":
        page.press("[aria-label^='Show the scores as a table']")
    page.one(".lane canvas")
    until("the picture under the pointer", lambda: page.run(
        "const c = document.querySelector('.lane canvas'), b = c.getBoundingClientRect(), e = new PointerEvent('pointermove', {clientX: b.right - 30, clientY: b.top + 5}); c.dispatchEvent(e);"
        "const i = document.querySelector('.then img'); return i && i.naturalWidth > 0") or time.sleep(0.3))
    page.complaints("the picture under the pointer")
    says("the pointer on a curve shows the picture of that time")


def restart(page, daemon):
    page.go("events")
    assert daemon.stop() == 0
    assert "tries again in" in page.one("#bannertext").text
    page.complaints("the lost connection", away=True)
    says("a lost connection says when it is tried again")
    daemon.start()
    # Events come while the page is still away.
    until("the daemon", lambda: api("/events/open"))
    before = api("/status")["seq"]
    until("more messages", lambda: api("/status")["seq"] > before + 2)
    until("the connection", lambda: not page.all("#banner")[0].is_displayed())
    # Said for some seconds; the words stay.
    until("its words", lambda: "Connected again." in page.run("return document.querySelector('#toast').textContent"))
    page.complaints("coming back", away=True)

    def whole():
        told = {}
        for entry in api("/events?since=0&limit=10000&topic=match."):
            told[entry["body"]["event"]] = entry["body"]["phase"] != "end"
        shown = page.run("return Object.fromEntries([...document.querySelectorAll('.ev')].map(e => [e.dataset.event, e.classList.contains('open')]))")
        return told == shown and len(told) > 2

    until("every event of the journal, as it stands", whole)
    says("it comes back, and no event is missing")


def streams(page):
    page.go("streams")
    page.one("button", "Edit").click()
    page.one("dialog [name=fps]").clear()
    page.one("dialog [name=fps]").send_keys("2", Keys.ENTER)
    assert until("the rate", lambda: api("/streams/shapes-7")["fps"] == 2)
    rate = "const n = parseFloat(document.querySelector(\"tr[data-row='shapes-7'] .n\").textContent); return n > 1.5 && n < 2.5"
    until("the rate as it is measured", lambda: page.run(rate))
    assert api("/streams/shapes-7")["uri"] == "shapes://7"
    says("a stream is changed, and keeps what was not asked for")


def rooms(page):
    def seen(room):
        page.go(room)
        until("its words", lambda: page.text("main .view"))

    page.everywhere(ROOMS, seen)
    says("every room fits 360, 1280 and 2560 px, and axe finds nothing serious in light and dark")


def signed(page):
    page.driver.get(BASE + "/")
    page.one("#token")
    page.driver.get_log("browser")
    page.everywhere(["the sign-in"], lambda _: page.one("#token"))
    page.one("#token").send_keys("a-wrong-token-0123456789", Keys.ENTER)
    assert "wrong" in page.one(".error").text
    page.one("#token").clear()
    page.one("#token").send_keys("a-token-for-view-0123456789", Keys.ENTER)
    page.one(".tile", "shapes-7")
    page.go("streams")
    page.one("h1", "Streams")
    assert not page.all("tbody button") and "Add a stream" not in page.text("main")
    assert page.run("return document.cookie") == ""
    page.go("focus/shapes-7")
    page.one(".facts dt")
    assert not page.all(".regionsof")
    page.complaints("a signed room", away=True)
    says("a token of the role view signs in, and offers no change")
    page.one("#who").click()
    page.one("#signout").click()
    page.one("#token")
    assert page.run("return fetch('api/v1/status').then(a => a.status)") == 401
    page.driver.back()
    assert page.one("#token") and not page.all(".tile, .ev, tbody tr, #main img") and "shapes-7" not in page.text("body")
    says("signing out ends the session")


def configuration(name, http):
    path = f"{FOLDER}/{name}.yaml"
    root = Path(__file__).resolve().parents[2]
    Path(path).write_text(
        f"model: {root}/Models/shapes\njournal: {FOLDER}/journal.sqlite\npipelines: {root}/Pipelines\n"
        f"publish: ipc://{FOLDER}/e\ncontrol: ipc://{FOLDER}/c\nlog: {{level: error}}\nhttp: {http}\n")
    return path


def main():
    token = f"{FOLDER}/view-token"
    with open(os.open(token, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        file.write("a-token-for-view-0123456789\n")
    daemon = Daemon(configuration("open", f'{{listen: "127.0.0.1:{PORT}"}}'))
    closed = Daemon(configuration("closed", f'{{listen: "127.0.0.1:{PORT}", tokens: [{{file: {token}, role: view}}]}}'))
    driver = browser()
    page = Page(driver)
    try:
        daemon.start()
        until("the daemon", lambda: api("/status"))
        first_visit(page)
        query(page)
        marks(page)
        edits(page)
        search(page)
        restart(page, daemon)
        streams(page)
        rooms(page)
        daemon.stop()
        closed.start()
        until("the daemon", lambda: api("/status", "a-token-for-view-0123456789"))
        signed(page)
        assert closed.stop() == 0
    except (AssertionError, WebDriverException) as error:
        print("failed:", error, "\non the screen:", page.text("body")[:2000], flush=True)
        driver.save_screenshot(FOLDER + "/failed.png")
        sys.exit(1)
    finally:
        driver.quit()
        for one in (daemon, closed):
            if one.process and one.process.poll() is None:
                one.process.kill()


if __name__ == "__main__":
    main()
