#!/usr/bin/python3
"""Video on the page in Debian's Chromium: `video.py WATCHWORDD FOLDER PORT H264 H265`, with the URIs of two cameras.

Prints one line a step, as browser.py does.
"""
import sys

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.common.by import By

from browser import BASE, FOLDER, PORT, Daemon, Page, api, browser, says, until

H264, H265 = sys.argv[4:6]


def configuration():
    path = f"{FOLDER}/video.yaml"
    with open(path, "w") as file:
        file.write(
            f"head: mean\njournal: {FOLDER}/video.sqlite\npublish: ipc://{FOLDER}/e\ncontrol: ipc://{FOLDER}/c\n"
            f'log: {{level: error}}\nhttp: {{listen: "127.0.0.1:{PORT}"}}\nclips: {{before: 2, after: 1}}\n'
            f'streams:\n- {{name: gate, uri: "{H264}"}}\n- {{name: yard, uri: "{H265}"}}\n'
            "queries:\n- {id: circle, text: a blue circle, head: mean}\n")
    return path


def live(page):
    page.go("focus/gate")
    page.one("figure.video.coded video.coded")
    shown = "const v = document.querySelector('video.coded'); return v && !v.paused && v.currentTime"
    first = until("the video runs", lambda: page.run(shown))
    until("it goes on", lambda: page.run(shown) > first + 2)
    behind = "const v = document.querySelector('video.coded'), b = v.buffered; return b.end(b.length - 1) - v.currentTime"
    assert page.run(behind) <= 2.5, page.run(behind)
    assert page.run("const b = document.querySelector('video.coded').buffered; return b.end(b.length - 1) - b.start(0)") < 14
    assert not page.one("figure.video", "Live").find_element(By.TAG_NAME, "img").is_displayed()
    page.check("a stream's video")
    says("a stream's video runs in the place of its previews")
    page.go("wall")
    page.go("focus/yard")
    page.one(".coding", "does not play H.265")
    page.one("figure.video img:not(.none)")
    assert not page.all("figure.video.coded")
    page.complaints("a stream of H.265")
    says("H.265 stays on previews, and says so")


def clip(page):
    def ended():
        events = api("/events?since=0&limit=10000&topic=match.gate.")
        return next((e["body"] for e in events if e["body"].get("clip")), None)
    event = until("an event with a clip ends", ended)["event"]
    page.go("events/" + event)
    page.one(".clip button", "Play the clip")
    page.check("an event with a clip")
    page.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.ENTER)
    page.one(".card > video")
    facts = "const v = document.querySelector('.card > video'); return [v.duration, v.currentTime, v.videoWidth, v.seekable.length && v.seekable.end(0)]"
    until("the clip runs", lambda: page.run(facts)[1] > 0.2)
    duration, _, width, seekable = page.run(facts)
    assert duration > 3 and width == 320 and abs(seekable - duration) < 0.1, page.run(facts)
    # A browser that is short of time may have paused it.
    page.run(f"const v = document.querySelector('.card > video'); v.currentTime = {duration - 0.5}; v.play()")
    until("it is played to its end", lambda: page.run("return document.querySelector('.card > video').ended"))
    page.complaints("a clip")
    says("an event's clip is played by Enter, and seeks")


def main():
    daemon, driver = Daemon(configuration()), browser()
    page = Page(driver)
    try:
        daemon.start()
        until("the daemon", lambda: api("/status"))
        driver.get(BASE)
        live(page)
        clip(page)
        assert daemon.stop() == 0
    except (AssertionError, WebDriverException) as error:
        print("failed:", error, "\non the screen:", page.text("body")[:2000], flush=True)
        driver.save_screenshot(FOLDER + "/failed.png")
        sys.exit(1)
    finally:
        driver.quit()
        if daemon.process and daemon.process.poll() is None:
            daemon.process.kill()


main()
