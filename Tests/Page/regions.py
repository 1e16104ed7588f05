#!/usr/bin/python3
"""Regions and tests of sources on the page in Debian's Chromium: `regions.py WATCHWORDD FOLDER PORT CAMERA REFUSED`.

CAMERA is the URI of a camera that plays, REFUSED of one that refuses connections. Prints one line a step, as browser.py does.
"""
import sys
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from browser import BASE, FOLDER, PORT, Daemon, Page, api, browser, says, size, until

CAMERA, REFUSED = sys.argv[4:6]


def configuration():
    path = f"{FOLDER}/regions.yaml"
    root = Path(__file__).resolve().parents[2]
    Path(path).write_text(
        f"head: mean\nmodel: {root}/Models/shapes\npipelines: {root}/Pipelines\njournal: {FOLDER}/regions.sqlite\n"
        f"publish: ipc://{FOLDER}/e\ncontrol: ipc://{FOLDER}/c\nlog: {{level: error}}\n"
        f'http: {{listen: "127.0.0.1:{PORT}"}}\nsources: {{addresses: [127.0.0.1]}}\n'
        f'streams:\n- {{name: gate, uri: "{CAMERA}"}}\n')
    return path


def rectangles():
    return api("/streams/gate")["rectangles"]


def edit(page):
    page.run("scrollTo(0, 0)")
    page.press("button.regionsof")
    page.one(".regionpanel h2", "Regions")


def save(page, wanted):
    page.press(".regionpanel [type=submit]")
    until(f"{wanted} is saved", lambda: not page.all(".regionpanel:not([hidden])"))
    return rectangles()


def drag(page, start, end):
    """Presses at a place of the picture, in fractions of it, and lets go at another."""
    overlay = page.one(".regions.editing")
    width, height = overlay.size["width"], overlay.size["height"]
    at = [((x - 0.5) * width, (y - 0.5) * height) for x, y in (start, end)]
    middle = [(at[0][axis] + at[1][axis]) / 2 for axis in (0, 1)]
    chain = ActionChains(page.driver, duration=50).move_to_element_with_offset(overlay, *map(round, at[0])).click_and_hold()
    for x, y in middle, at[1]:
        chain.move_to_element_with_offset(overlay, round(x), round(y))
    chain.release().perform()


def near(found, wanted):
    """Whether a rectangle is where it was drawn, within what a pixel and the rounding make of it."""
    return all(abs(a - b) < 0.01 for a, b in zip(found, wanted))


def mouse(page):
    page.go("focus/gate")
    until("a picture", lambda: page.run("const i = document.querySelector('figure.video img'); return i.naturalWidth > 0"))
    edit(page)
    page.one(".regionpanel", "The configuration has this stream.")
    drag(page, (0.2, 0.3), (0.5, 0.7))
    page.press(".regionpanel [type=submit]")
    page.one(".regionpanel .error", "Write a name")
    page.driver.switch_to.active_element.send_keys("door")
    found = save(page, "a region")["door"]
    assert near(found, [0.2, 0.3, 0.3, 0.4]), found
    assert api("/streams/gate")["source"] == "shadows-file" and api("/streams/gate")["uri"].startswith("rtsp://127.0.0.1")
    page.one(".region .regiontag", "door")
    says("a region is drawn with the mouse, named and saved")
    edit(page)
    drag(page, (0.35, 0.5), (0.55, 0.4))
    drag(page, (0.7, 0.6), (0.8, 0.8))
    moved = save(page, "the region as it was moved")["door"]
    # From the middle by a fifth to the right and a tenth up; then its corner by as much to the right and down.
    assert near(moved, [0.4, 0.2, 0.4, 0.6]), moved
    says("it is moved, and sized by its corner")


def keyboard(page):
    edit(page)
    page.run("document.querySelector('.region').focus()")
    before = rectangles()["door"]
    page.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    ActionChains(page.driver).key_down(Keys.SHIFT).send_keys(Keys.ARROW_LEFT, Keys.ARROW_UP).key_up(Keys.SHIFT).perform()
    page.press(".regionadd")
    page.driver.switch_to.active_element.send_keys("all")
    for side, value in [("left", "0"), ("top", "0"), ("width", "100"), ("height", "100")]:
        field = page.one(f".regionrow:nth-child(2) [name={side}]")
        field.clear()
        field.send_keys(value, Keys.TAB)
    page.one(".regionrow:nth-child(2) [name=width]").send_keys(Keys.TAB)
    width = page.one(".regionrow:nth-child(2) [name=width]")
    width.clear()
    width.send_keys("100", Keys.TAB)
    for width, height in [(360, 740), (2560, 1300), (1280, 800)]:
        size(page.driver, width, height)
        page.fits(f"regions at {width}")
        page.check(f"regions at {width}")
    found = save(page, "both regions")
    x, y, width, height = before
    assert near(found["door"], [x + 0.02, y + 0.01, width - 0.01, height - 0.01]) and found["door"] != before, found
    assert found["all"] == [0, 0, 1, 1], found
    says("keys move a region and change its size, and numbers place another")
    edit(page)
    page.run("document.querySelector('.region').focus()")
    page.driver.switch_to.active_element.send_keys(Keys.ARROW_LEFT, Keys.ESCAPE)
    until("the end of editing", lambda: not page.all(".regions.editing"))
    assert page.run("return location.hash") == "#focus/gate" and rectangles() == found
    says("escape ends editing without a change, and stays in the room")


def events(page):
    api("/queries", method="POST", body={"id": "any", "text": "a shape", "threshold": -1.0, "streams": ["gate/all"]})
    page.one(".region.hot .regiontag", "all")
    assert not [e for e in page.all(".region.hot") if "door" in e.text]
    page.one(".open .card", "a shape")
    page.one(".lane", "in all")
    page.check("an event in a region")
    page.go("wall")
    page.one(".tile.match", "a shape")
    says("an event of a region is shown on it, on the stream and on the wall")
    page.go("focus/gate")
    edit(page)
    page.one("[aria-label='Remove region all']").click()
    page.one(".regionnote", "“a shape” watches all, which will not be there.")
    page.one(".region").send_keys(Keys.DELETE)
    until("no region", lambda: not page.all(".region"))
    assert save(page, "no region") == {}
    says("a region is taken out, and the page says which query watched it")


def tests(page):
    page.go("streams/add")
    page.press("dialog button", "Test")
    page.one("dialog .error", "Write the address first.")
    page.one("dialog [name=uri]").send_keys(REFUSED)
    page.press("dialog button", "Test")
    assert "refuses the connection" in page.one(".tried .error").text
    page.check("a source that does not play")
    page.one("dialog [name=uri]").clear()
    page.one("dialog [name=uri]").send_keys(CAMERA)
    assert not page.one("dialog").find_element("css selector", ".tried").is_displayed()
    page.press("dialog button", "Test")
    page.one(".tried", "It plays.")
    page.one(".tried", "H.264, 320 × 240, 25 frames a second, live")
    until("its picture", lambda: page.run("const i = document.querySelector('.tried img'); return i.complete && i.naturalWidth === 320"))
    assert [s["name"] for s in api("/streams")] == ["gate"]
    for width, height in [(360, 740), (1280, 800)]:
        size(page.driver, width, height)
        page.fits(f"the dialog at {width}")
        page.check(f"the dialog at {width}")
    page.one("dialog [name=name]").clear()
    page.one("dialog [name=name]").send_keys("tested", Keys.ENTER)
    until("the stream", lambda: api("/streams/tested"))
    says("a source is tested before it is added: its picture, or why there is none")


def main():
    daemon, driver = Daemon(configuration()), browser()
    page = Page(driver)
    try:
        daemon.start()
        until("the daemon", lambda: api("/status"))
        driver.get(BASE)
        mouse(page)
        keyboard(page)
        events(page)
        tests(page)
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
