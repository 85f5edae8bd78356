"""The demo page as a person meets it: by what is written on it, and by roles and names."""

import base64
import json
from urllib.parse import urlencode

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE_S = 20
TAGS = {"button": "button", "textbox": "input"}


class Windows:
    def __init__(self, driver, server, room):
        self.driver, self.server, self.room = driver, server, room
        self.pages = []
        self.home = driver.current_window_handle
        driver.get_log("performance")

    def open(self, user=None, room=None):
        self.driver.switch_to.new_window("window")  # a tab behind another would be throttled
        query = {"room": room or self.room} | ({"user": user} if user else {})
        self.driver.get(f"{self.server.url}?{urlencode(query)}")
        page = Page(self.driver)
        self.pages.append(page)
        return page.wait_until(lambda: page.status == "Connected" and page.count.isdigit())

    def close(self):
        for page in self.pages:
            page.focus()
            self.driver.close()
        self.driver.switch_to.window(self.home)


class Page:
    def __init__(self, driver):
        self.driver, self.handle = driver, driver.current_window_handle

    def focus(self):
        self.driver.switch_to.window(self.handle)

    def find(self, selector):
        self.focus()
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        self.focus()
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def script(self, source, *arguments):
        self.focus()
        return self.driver.execute_script(source, *arguments)

    def devtools(self, command, **parameters):
        self.focus()
        return self.driver.execute_cdp_cmd(command, parameters)

    def wait_until(self, condition):
        self.focus()
        WebDriverWait(self.driver, PATIENCE_S, poll_frequency=0.02).until(lambda _: condition())
        return self

    def named(self, role, name):
        """The one element of that role and accessible name, as assistive technology finds it."""
        candidates = self.all(TAGS[role])
        found = [each for each in candidates if each.aria_role == role and each.accessible_name == name]
        assert len(found) == 1, f"{len(found)} elements are a {role} named {name!r}"
        return found[0]

    # What it says

    @property
    def status(self):
        return self.find("#status").text

    @property
    def count(self):
        return self.find("output").text

    @property
    def version(self):
        return int(self.find("#version").text)

    @property
    def members(self):
        return self.script("return [...document.querySelectorAll('#members .name')].map(e => e.innerText)")

    @property
    def messages(self):
        """Who said what, oldest first."""
        return self.script(
            "return [...document.querySelectorAll('#messages li')]"
            ".map(e => [e.querySelector('.from').innerText, e.querySelector('.text').innerText])"
        )

    @property
    def patches(self):
        """The lines of the wire panel, newest first, without the ticks of the clock."""
        return self.script(
            "return [...document.querySelectorAll('#patches li:not(.tick)')]"
            ".map(e => e.innerText.replace(/\\s+/g, ' '))"
        )

    # What is done with it

    def press(self, name):
        self.named("button", name).click()

    def say(self, text):
        field = self.named("textbox", "Message")
        field.click()
        # As an input method types: not every ChromeDriver has keys beyond the BMP.
        self.driver.execute_cdp_cmd("Input.insertText", {"text": text})
        field.send_keys(Keys.ENTER)

    def keys(self, *keys):
        self.focus()
        self.driver.switch_to.active_element.send_keys(*keys)

    @property
    def focused(self):
        """The role and name of what has the keyboard, and whether one can see that it has."""
        self.focus()
        element = self.driver.switch_to.active_element
        return (
            element.aria_role,
            element.accessible_name,
            element.value_of_css_property("outline-style") != "none",
        )

    # How it is looked at

    def prefer(self, scheme):
        self.devtools(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
        )

    def resize(self, width, height, scale=1, mobile=False):
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=mobile,
        )

    def screenshot(self, path, whole=False):
        picture = self.devtools("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(picture["data"]))

    def frames(self):
        """The text of each WebSocket frame since the last call, of all windows of the browser."""
        self.focus()
        log = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        wanted = ("Network.webSocketFrameReceived", "Network.webSocketFrameSent")
        return [event["params"]["response"]["payloadData"] for event in log if event["method"] in wanted]
