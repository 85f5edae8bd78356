"""A phone in a tunnel: the network goes while somebody types, and nothing is lost, doubled or jumps."""

import json
import urllib.request

import pytest

from .pages import Page

IN_THE_TUNNEL_MS = 5_000


class TunnelPage(Page):
    def type(self, text):
        self.find("input").send_keys(text)

    @property
    def shown(self):
        return self.find("output").text

    @property
    def seen(self):
        return self.script("return window.seen")

    def network(self, offline):
        self.devtools("Network.enable")
        self.devtools(
            "Network.emulateNetworkConditions",
            offline=offline,
            latency=0,
            downloadThroughput=-1,
            uploadThroughput=-1,
        )


@pytest.fixture
def page(chromium, mock, room):
    home = chromium.current_window_handle
    chromium.switch_to.new_window("window")
    chromium.get(f"{mock.url}client/tunnel.html?room={room}")
    tunnel = TunnelPage(chromium)
    tunnel.wait_until(lambda: tunnel.find("#version").text != "")
    yield tunnel
    tunnel.focus()
    tunnel.network(offline=False)
    chromium.close()
    chromium.switch_to.window(home)


def room_on_the_server(mock, room):
    request = urllib.request.Request(f"{mock.url}trouble?topic=kept:{room}", method="POST")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_typing_goes_on_in_a_tunnel(page, mock, room, screenshots):
    before, inside, after = "Before the tunnel. ", "Inside it: nothing is lost. ", "And out again."
    page.resize(390, 520, scale=2, mobile=True)
    page.type(before)
    page.wait_until(lambda: page.seen["ok"] == len(before))

    page.network(offline=True)
    page.script("window.offlineAt = performance.now()")
    page.type(inside[:10])
    page.wait_until(lambda: page.find("#status").text == "In the tunnel")
    page.screenshot(screenshots / "tunnel-1-inside.png")
    page.type(inside[10:])
    page.wait_until(lambda: page.script(f"return performance.now() - offlineAt > {IN_THE_TUNNEL_MS}"))
    page.wait_until(lambda: page.seen["attempts"] >= 3)
    assert page.shown == before + inside
    assert page.find("#waiting").text == str(len(inside))
    page.screenshot(screenshots / "tunnel-2-typed.png")

    page.network(offline=False)
    page.type(after)
    typed = before + inside + after
    page.wait_until(lambda: page.seen["ok"] == len(typed))
    page.screenshot(screenshots / "tunnel-3-out.png")

    seen = page.seen
    assert seen["failed"] == []
    assert seen["resumed"][0] is False
    assert seen["resumed"][1:] == [True] * len(seen["resumed"][1:])
    assert seen["resumed"][1:]
    assert seen["texts"] == [typed[:length] for length in range(len(typed) + 1)]
    assert page.shown == typed
    on_the_server = room_on_the_server(mock, room)
    assert (on_the_server["text"], on_the_server["inits"]) == (typed, 1)


def test_a_reload_goes_on_where_the_page_was(page, mock, room):
    page.driver.get(f"{mock.url}client/tunnel.html?room={room}&reload")
    page.wait_until(lambda: page.find("#version").text != "")
    page.type("kept")
    page.wait_until(lambda: page.seen["ok"] == 4)
    inits = room_on_the_server(mock, room)["inits"]
    page.driver.refresh()
    page.wait_until(lambda: page.seen and page.seen["resumed"] == [True])
    assert page.shown == "kept"
    page.type("!")
    page.wait_until(lambda: page.seen["ok"] == 1)
    assert page.seen["texts"] == ["kept", "kept!"]
    assert room_on_the_server(mock, room) == {"count": 0, "inits": inits, "text": "kept!"}


def test_a_copy_of_a_tab_is_somebody_else(page, mock, room):
    page.driver.get(f"{mock.url}client/tunnel.html?room={room}&reload")
    page.wait_until(lambda: page.find("#version").text != "")
    inits = room_on_the_server(mock, room)["inits"]
    before = set(page.driver.window_handles)
    page.script("window.open(location.href)")  # with a copy of the session's storage
    page.wait_until(lambda: len(page.driver.window_handles) == len(before) + 1)
    [copy] = set(page.driver.window_handles) - before
    page.driver.switch_to.window(copy)
    other = TunnelPage(page.driver)
    other.wait_until(lambda: other.find("#version").text != "")
    assert room_on_the_server(mock, room)["inits"] == inits + 1
    other.type("a")
    page.wait_until(lambda: page.shown == "a")
    page.type("b")
    other.wait_until(lambda: other.shown == "ab")
    assert (page.seen["resumed"], other.seen["resumed"]) == ([False], [False])
    other.driver.close()
