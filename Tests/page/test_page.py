"""The demo page in a browser: what a person sees and does, with two windows on one room."""

import re
import signal
from functools import partial

import pytest
from selenium.webdriver.common.keys import Keys

CONTRAST = """
const channels = (color) => color.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
  .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ground = (element) => {
  for (; element; element = element.parentElement) {
    const color = channels(getComputedStyle(element).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
document.getAnimations().forEach((animation) => animation.finish());
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const poor = [];
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || !element.getClientRects().length) continue;
  const [a, b] = [light(channels(getComputedStyle(element).color)), light(ground(element))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) poor.push(`${texts.currentNode.data.trim()}: ${ratio.toFixed(2)}`);
}
return poor;
"""


def both(pages, condition):
    for page in pages:
        page.wait_until(partial(condition, page))


def test_the_room_is_named_and_its_version_shown(windows, room):
    page = windows.open("Ada")
    assert page.find("h1").text.replace("\n", " ").split() == ["synq", room]
    before = page.version
    page.press("Add one")
    page.wait_until(lambda: page.version > before)


def test_a_click_in_one_window_counts_in_both(windows):
    ada, grace = windows.open("Ada"), windows.open("Grace")
    assert (ada.count, grace.count) == ("0", "0")
    ada.press("Add one")
    both((ada, grace), lambda page: page.count == "1")
    grace.press("Add one")
    both((ada, grace), lambda page: page.count == "2")


def test_who_is_here_follows_who_comes_and_goes(windows):
    ada = windows.open("Ada")
    ada.wait_until(lambda: ada.members == ["Ada"])
    grace = windows.open("Grace")
    both((ada, grace), lambda page: page.members == ["Ada", "Grace"])
    ada.wait_until(lambda: ada.find("#news").get_property("textContent") == "Grace came in.")
    grace.focus()
    grace.driver.get("about:blank")
    ada.wait_until(lambda: ada.members == ["Ada"])
    ada.wait_until(lambda: ada.find("#news").get_property("textContent") == "Grace left.")
    grace.focus()
    grace.driver.back()
    both((ada, grace), lambda page: page.members == ["Ada", "Grace"])


def test_what_one_says_both_read(windows):
    ada, grace = windows.open("Ada"), windows.open("Grace")
    ada.say("Good morning")
    grace.wait_until(lambda: grace.messages == [["Ada", "Good morning"]])
    grace.say("<b>And</b> to you, 🌱")
    both(
        (ada, grace),
        lambda page: page.messages == [["Ada", "Good morning"], ["Grace", "<b>And</b> to you, 🌱"]],
    )
    assert ada.named("textbox", "Message").get_property("value") == ""
    late = windows.open("Lin")
    assert late.messages == ada.messages


def test_rooms_are_apart(windows, room):
    here, there = windows.open("Ada"), windows.open("Grace", room=f"{room}-other")
    here.press("Add one")
    here.wait_until(lambda: here.count == "1")
    there.press("Add one")
    there.press("Add one")
    there.wait_until(lambda: there.count == "2")
    assert here.count == "1"
    assert here.members == ["Ada"]


def test_the_welcome_of_the_server_is_shown(windows):
    page = windows.open("Ada")
    page.wait_until(lambda: page.find("#welcome").text != "")


def test_a_refused_message_says_why_and_stays(windows):
    page = windows.open("Ada")
    page.say("   ")
    page.wait_until(lambda: page.find("[role=alert]").text != "")
    field = page.named("textbox", "Message")
    assert field.get_attribute("aria-invalid") == "true"
    assert field.get_property("value") == "   "
    assert page.messages == []
    field.clear()
    page.script("document.getElementById('text').value = 'x'.repeat(501)")
    page.press("Send")
    page.wait_until(lambda: "500" in page.find("[role=alert]").text)
    field.clear()
    page.say("better")
    page.wait_until(lambda: page.messages == [["Ada", "better"]])
    assert page.find("[role=alert]").text == ""
    assert field.get_attribute("aria-invalid") == "false"


def test_a_crash_ends_one_channel_which_joins_again(windows):
    ada, grace = windows.open("Ada"), windows.open("Grace")
    ada.press("Add one")
    both((ada, grace), lambda page: page.count == "1")
    ada.script(
        "window.seen = []; new MutationObserver(() => seen.push(document.getElementById('status').innerText))"
        ".observe(document.getElementById('status'), {childList: true, characterData: true, subtree: true})"
    )
    ada.press("Crash my channel")
    ada.wait_until(lambda: ada.find("#trouble").text == "It crashed, and is back.")
    assert ada.script("return seen") == ["Rejoining…", "Connected"]
    assert grace.status == "Connected"
    both((ada, grace), lambda page: page.members == ["Grace", "Ada"])
    ada.press("Add one")
    both((ada, grace), lambda page: page.count == "2")


def test_a_killed_server_started_again_brings_both_back(own_windows, own_server):
    ada, grace = own_windows.open("Ada"), own_windows.open("Grace")
    ada.press("Add one")
    ada.say("before")
    both((ada, grace), lambda page: page.count == "1" and page.messages == [["Ada", "before"]])
    own_server.stop(signal.SIGKILL)
    both((ada, grace), lambda page: page.status == "Reconnecting…")
    ada.press("Add one")  # waits for the server
    own_server.start()
    both((ada, grace), lambda page: page.status == "Connected")
    both((ada, grace), lambda page: sorted(page.members) == ["Ada", "Grace"] and page.count == "1")
    ada.say("after")  # the first message of the new server: its id is that of the first one before
    both((ada, grace), lambda page: page.messages == [["Ada", "after"]])


def test_the_patches_pass_by_with_version_operations_and_bytes(windows):
    page = windows.open("Ada")
    page.press("Add one")
    page.wait_until(lambda: page.count == "1")
    # A tick of the clock may travel in the same patch.
    assert re.fullmatch(r"v\d+ (1 op|2 ops) [1-9]\d+ B .*replace /count 1\b.*", page.patches[0])
    page.say("hello")
    page.wait_until(lambda: "/messages" in page.patches[0] and '"text":"hello"' in page.patches[0])
    assert page.patches[-1].split()[1:3] == ["full", "state"]
    assert int(page.find("#patch-count").text) >= 2


def test_the_passing_patches_can_be_paused(windows):
    page = windows.open("Ada")
    page.press("Pause")
    assert page.named("button", "Pause").get_attribute("aria-pressed") == "true"
    before = page.patches
    page.press("Add one")
    page.wait_until(lambda: page.count == "1")
    assert page.patches == before
    page.press("Pause")
    page.press("Add one")
    page.wait_until(lambda: "replace /count 2" in page.patches[0])


def test_the_secret_is_in_no_frame(windows):
    page = windows.open("Ada")
    page.press("Add one")
    page.say("hello")
    page.wait_until(lambda: page.count == "1" and page.messages == [["Ada", "hello"]])
    page.press("Crash my channel")
    page.wait_until(lambda: page.find("#trouble").text == "It crashed, and is back.")
    frames = page.frames()
    assert any("synq:change" in frame for frame in frames)
    assert any("synq:patch" in frame for frame in frames)
    assert not [frame for frame in frames if "secret" in frame]


def test_without_a_websocket_it_works_over_long_poll(windows):
    page = windows.open("Ada")
    probe = "return fetch('/socket/longpoll?vsn=2.0.0').then((answer) => answer.ok)"
    if not page.script(probe):
        pytest.skip("this server has no long poll")
    page.devtools("Page.addScriptToEvaluateOnNewDocument", source="delete window.WebSocket")
    page.driver.refresh()
    page.wait_until(lambda: page.status == "Connected" and page.count == "0")
    page.frames()
    page.press("Add one")
    page.say("by post")
    page.wait_until(lambda: page.count == "1" and page.messages == [["Ada", "by post"]])
    other = windows.open("Grace")
    other.press("Add one")
    page.wait_until(lambda: page.count == "2")
    assert page.script("return typeof WebSocket") == "undefined"


def test_a_name_is_made_up_kept_and_can_be_changed(windows):
    page = windows.open()
    [name] = page.members
    assert name.strip()
    page.driver.refresh()
    page.wait_until(lambda: page.status == "Connected" and page.members == [name])
    field = page.named("textbox", "You are")
    field.clear()
    field.send_keys("Ada Lovelace", Keys.ENTER)
    page.wait_until(lambda: page.members == ["Ada Lovelace"])


def test_everything_can_be_done_by_keyboard_and_one_sees_where_one_is(windows):
    page = windows.open("Ada")
    page.keys(Keys.TAB)
    assert page.focused == ("link", "Skip to the chat", True)
    order = []
    while page.focused[:2] != ("button", "Crash my channel"):
        page.keys(Keys.TAB)
        order.append(page.focused)
        if page.focused[1] == "Add one":
            page.keys(Keys.SPACE)
        if page.focused[1] == "Message":
            page.keys("typed", Keys.ENTER)
    names = [(role, name) for role, name, _ in order]
    assert names == [
        ("button", "Add one"),
        ("textbox", "You are"),
        ("link", "Open a second window"),
        ("log", "Chat"),
        ("textbox", "Message"),
        ("button", "Send"),
        ("button", "Pause"),
        ("list", "On the wire"),
        ("button", "Crash my channel"),
    ]
    assert all(visible for _, _, visible in order)
    page.wait_until(lambda: page.count == "1" and page.messages == [["Ada", "typed"]])
    page.keys(Keys.ENTER)
    page.wait_until(lambda: page.find("#trouble").text == "It crashed, and is back.")


def test_the_skip_link_leads_to_the_chat(windows):
    page = windows.open("Ada")
    page.keys(Keys.TAB)
    page.keys(Keys.ENTER)
    page.wait_until(lambda: page.focused[:2] == ("textbox", "Message"))


def test_changes_are_told_to_those_who_listen(windows):
    page = windows.open("Ada")
    assert page.find("#log").aria_role == "log"
    assert page.find("#status").aria_role == "status"
    assert page.find("#say-error").aria_role == "alert"
    assert page.find("output").get_attribute("aria-live") == "polite"
    assert page.find("#patches").get_attribute("aria-live") is None  # it would never be silent
    page.say("one")
    page.wait_until(lambda: len(page.messages) == 1)
    first = page.find("#messages li")
    page.say("two")
    page.wait_until(lambda: len(page.messages) == 2)
    assert page.find("#messages li") == first  # the log grew: what was read out is not read out again


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(windows, scheme):
    page = windows.open("Ada")
    page.prefer(scheme)
    page.say("mine")
    page.wait_until(lambda: page.messages == [["Ada", "mine"]])
    page.say(" ")
    page.wait_until(lambda: page.find("[role=alert]").text != "")
    page.press("Pause")
    ground = page.script("return getComputedStyle(document.body).backgroundColor")
    assert (int(ground.strip("rgb()").split(",")[0]) < 60) == (scheme == "dark")
    assert page.script(CONTRAST) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_width_needs_scrolling_sideways(windows, width):
    page = windows.open("A-very-long-name-without-any-space-in-it")
    page.resize(width, 800, mobile=width < 700)
    page.say("x" * 200)
    page.wait_until(lambda: len(page.messages) == 1)
    assert page.script("return document.documentElement.scrollWidth") <= width
    assert page.named("button", "Add one").is_displayed()


def test_a_long_chat_stays_at_its_end(windows):
    page = windows.open("Ada")
    for number in range(30):
        page.say(f"message {number}")
    page.wait_until(lambda: len(page.messages) == 30)
    page.wait_until(
        lambda: page.script(
            "const log = document.getElementById('log').getBoundingClientRect();"
            "const last = document.querySelector('#messages li:last-child').getBoundingClientRect();"
            "return last.bottom <= log.bottom + 1 && last.top >= log.top"
        )
    )


def test_pictures_are_kept(windows, screenshots):
    ada, grace = windows.open("Ada", room="lobby"), windows.open("Grace Hopper", room="lobby")
    lin = windows.open("Lin", room="lobby")
    talk = [
        (ada, "Good morning. Is this counter the same for all of us?"),
        (grace, "It is. Press it, and look at what comes over the wire."),
        (lin, "One operation, a hundred bytes. No other message."),
    ]
    for page, text in talk:
        page.say(text)
        both((ada, grace, lin), lambda each, text=text: each.messages[-1:] and each.messages[-1][1] == text)
    for page in (grace, ada, lin, ada):
        page.press("Add one")
    both((ada, grace, lin), lambda each: each.count == "4")
    grace.say("And whoever comes late gets the whole state, once.")
    both((ada, grace, lin), lambda each: len(each.messages) == 4)
    ada.script("document.activeElement.blur(); document.getAnimations().forEach((each) => each.finish())")
    for scheme in ("light", "dark"):
        ada.prefer(scheme)
        ada.resize(1280, 800, scale=2)
        ada.screenshot(screenshots / f"desktop-{scheme}.png")
        ada.resize(390, 844, scale=2, mobile=True)
        ada.screenshot(screenshots / f"phone-{scheme}.png", whole=True)
    assert len({(screenshots / f"desktop-{scheme}.png").read_bytes() for scheme in ("light", "dark")}) == 2
