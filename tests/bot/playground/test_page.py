"""The playground, as a visitor meets it: the real process, a real browser."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from bot.playground import page as playground
from bot.settings import Settings, SettingsError
from tests.browser import browsing

PATIENCE = 600  # seconds, in which whatever does not hang is done on any machine
DRAWN = """return [...arguments[0].querySelectorAll("img")]
    .every((image) => image.complete && image.naturalWidth > 0)"""
ROOT = Path(__file__).parents[3]


@pytest.fixture
def screenshot(request: pytest.FixtureRequest) -> Path | None:
    """Return where --screenshot wants the picture of the page, with a model that ships."""
    path = request.config.getoption("screenshot")
    return None if path is None else Path(path).absolute()


@contextmanager
def playing(models: Path, data: Path) -> Iterator[str]:
    """Start the playground, yield its address, and see that SIGTERM ends it cleanly."""
    environment = {**os.environ, "DISCORD_TOKEN": "", "CADENZA_MODELS": str(models), "CADENZA_PORT": "0"}
    environment |= {"CADENZA_WORKERS": "1", "CADENZA_TRAINING_NICE": "0"}  # for on the page a press ends with its film
    environment["CADENZA_DATA"] = str(data)
    with (
        (data.parent / "log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "bot"], env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("The playground is open: http://127.0.0.1:"), line
        yield line.split()[-1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


@pytest.fixture
def address(tiny_model: Path, tmp_path: Path, screenshot: Path | None) -> Iterator[str]:
    """Return the address of a playground."""
    with playing(tiny_model.parent if screenshot is None else ROOT / "models", tmp_path / "data") as address:
        yield address


@pytest.fixture
def browser(tmp_path: Path, screenshot: Path | None) -> Iterator[WebDriver]:
    """Open a headless Chromium with a profile of its own."""
    arguments = ["--window-size=1100,1600"]
    if screenshot is not None:
        arguments.append("--force-device-scale-factor=2")
    with browsing(tmp_path / "profile", *arguments) as browser:
        yield browser


def test_opens_with_a_piece_and_composes_what_is_typed(address: str, browser: WebDriver) -> None:
    browser.get(address)
    wait = WebDriverWait(browser, PATIENCE)

    def players(number: int) -> None:
        wait.until(lambda page: len(page.find_elements(By.TAG_NAME, "audio")) == number)

    def type_into_focus(text: str) -> None:
        browser.switch_to.active_element.send_keys(text)

    def shows(selector: str) -> None:
        wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, selector))

    players(1)
    assert browser.title == "Cadenza: the playground"
    assert browser.find_element(By.CSS_SELECTOR, ".preview-brand strong").text == "Cadenza"
    assert browser.find_elements(By.CSS_SELECTOR, "link[rel=icon]")
    assert "16 bars" in browser.find_element(By.ID, "channel-message-list").text
    browser.set_window_size(500, 850)  # as on a phone, where all must be within reach
    browser.find_element(By.ID, "channel-composer-input").send_keys("/compose")
    shows(".command-entry.is-active")
    type_into_focus(Keys.ENTER)
    shows("[data-value=primer]")
    browser.find_element(By.CSS_SELECTOR, "[data-value=primer]").click()
    shows("[data-option=primer]")
    type_into_focus("65r2 67r2")
    browser.find_element(By.ID, "send-message").click()
    players(2)
    sound = browser.find_elements(By.TAG_NAME, "audio")[-1]
    browser.execute_script("arguments[0].scrollIntoView()", sound)
    wait.until(lambda page: page.execute_script("return arguments[0].readyState > 0", sound))
    assert browser.execute_script("return arguments[0].duration", sound) > 1
    assert "r2" not in browser.find_element(By.ID, "channel-message-list").text  # notation is in the recipe


def test_takes_files_and_shows_what_can_be_done_with_a_message(address: str, browser: WebDriver) -> None:
    browser.get(address)
    page = Page(browser)
    page.grows_to(1)
    browser.find_element(By.ID, "attach-files").send_keys(str(ROOT / "docs" / "sound" / "fiddle-1.mid"))
    assert browser.find_element(By.CLASS_NAME, "chosen-file").text.startswith("fiddle-1.mid")
    browser.find_element(By.ID, "channel-composer-input").send_keys("My tune")
    browser.find_element(By.ID, "send-message").click()
    message = page.grows_to(2)
    assert "My tune" in message.text
    assert "fiddle-1.mid" in message.text
    assert not browser.find_elements(By.CLASS_NAME, "chosen-file")

    ActionChains(browser).move_to_element(message).perform()
    message.find_element(By.CLASS_NAME, "apps-button").click()
    page.until(lambda: browser.find_elements(By.CSS_SELECTOR, ".apps-menu button"))
    choices = {each.text: each for each in browser.find_elements(By.CSS_SELECTOR, ".apps-menu button")}
    assert {"Use this tune", "Continue this music"} <= choices.keys()
    choices["Use this tune"].click()
    answer = page.grows_to(3)
    page.until(lambda: page.messages()[2].find_elements(By.TAG_NAME, "audio"))
    assert "tune.mid" in answer.text


class Page:
    """Look at the page as a visitor does."""

    def __init__(self, browser: WebDriver) -> None:
        self.browser, self.presses = browser, 0

    def until(self, condition: Callable[[], object]) -> None:
        WebDriverWait(self.browser, PATIENCE).until(lambda _: condition())

    def messages(self) -> list[WebElement]:
        """Return the messages in the channel."""
        return self.browser.find_elements(By.CSS_SELECTOR, "#channel-message-list > .channel-message")

    def grows_to(self, number: int) -> WebElement:
        """Wait for a number of messages and return the last, with its pictures drawn."""
        self.until(lambda: len(self.messages()) == number)
        return self.in_view(number - 1)

    def in_view(self, message: int) -> WebElement:
        """Scroll to a message and wait for its pictures, which the page loads when they are seen and which move it."""

        def drawn() -> bool:
            found = self.messages()[message]
            self.browser.execute_script("arguments[0].scrollIntoView()", found)
            return bool(self.browser.execute_script(DRAWN, found))

        self.until(drawn)
        return self.messages()[message]

    def press(self, message: int, label: str) -> None:
        """Press a button under a message."""
        buttons = self.in_view(message).find_elements(By.CSS_SELECTOR, ".component-button")
        next(button for button in buttons if label in button.text).click()
        self.presses += 1

    def submit(self) -> None:
        """Send the form that is open."""
        send = (By.CSS_SELECTOR, ".modal-dialog [type=submit]")
        self.until(lambda: self.browser.find_elements(*send))
        self.browser.find_element(*send).click()
        self.presses += 1

    def enter(self, name: str) -> None:
        """Go to another channel."""

        def there() -> list[WebElement]:
            found = self.browser.find_elements(By.CSS_SELECTOR, ".channel-button")
            return [button for button in found if button.text == f"# {name}"]

        self.until(there)
        there()[0].click()
        self.until(lambda: self.browser.find_element(By.ID, "channel-name").text == name)

    def choose(self, message: int, label: str) -> None:
        """Choose in the menu under a message."""
        menu = self.in_view(message).find_element(By.CSS_SELECTOR, ".select-trigger")
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", menu)
        menu.click()
        found: list[WebElement] = []

        def shown() -> bool:
            options = self.browser.find_elements(By.CSS_SELECTOR, ".select-options [role=option]")
            found[:] = [option for option in options if label in option.text]
            return bool(found)

        self.until(shown)
        found[0].click()


def test_four_presses_share_a_piece_and_every_button_works(
    address: str, browser: WebDriver, screenshot: Path | None
) -> None:
    browser.get(address)
    page = Page(browser)
    page.grows_to(1)
    if screenshot is not None:
        browser.set_window_size(850, 1100)
        page.in_view(0)
        page.until(lambda: browser.execute_script("return document.querySelector('audio').readyState > 0"))
        browser.execute_script("document.activeElement.blur()")
        ActionChains(browser).move_to_element(browser.find_element(By.ID, "channel-name")).perform()
        page.in_view(0).screenshot(str(screenshot))
    page.press(0, "Again")  # from opening the page to a shared piece, and nothing is typed
    page.until(partial(_sounds, page, 2, 1))
    page.press(1, "Share")
    page.grows_to(3)
    page.press(2, "Make one, and share")
    page.submit()
    page.until(lambda: "It is in the showcase" in page.grows_to(4).text)
    assert page.presses == 4
    page.enter("showcase")
    page.until(lambda: "❤️" in page.grows_to(1).text)
    page.enter("music")
    page.grows_to(4)

    page.choose(0, "Sheet")
    sheet = page.grows_to(5)
    assert sheet.find_element(By.TAG_NAME, "img").get_property("naturalWidth") == 1400
    assert ".musicxml" in sheet.text
    for number, label in enumerate(("Vary", "Continue"), 6):
        page.press(0, label)
        page.until(partial(_sounds, page, number, 1))
    page.choose(0, "Takes")
    page.until(partial(_sounds, page, 8, 4))

    page.choose(0, "Tune")
    page.grows_to(9)
    page.press(8, "Length")
    page.until(lambda: browser.find_elements(By.NAME, "form"))
    for name, before, after in (("form", "AABB", "AB"), ("bars", "16", "2")):
        field = browser.find_element(By.NAME, name)
        assert field.get_property("value") == before
        field.clear()
        field.send_keys(after)
    page.submit()
    page.until(lambda: "Bars: 2" in page.in_view(8).text)
    page.press(8, "Compose")
    page.until(lambda: "2 bars" in page.grows_to(10).text)

    shown = (By.CSS_SELECTOR, f"[data-message-id='{page.in_view(9).get_attribute('data-message-id')}']")
    page.choose(9, "Delete")
    page.grows_to(11)  # with the question
    page.press(10, "Delete")
    page.until(lambda: not browser.find_elements(*shown))


def _sounds(page: Page, message: int, number: int) -> bool:
    return len(page.grows_to(message).find_elements(By.TAG_NAME, "audio")) == number


def test_keeps_what_was_made_for_the_next_time(tiny_model: Path, tmp_path: Path) -> None:
    for _ in range(2):
        with playing(tiny_model.parent, tmp_path / "data"):
            pass
        assert "static token" not in (tmp_path / "log").read_text()
    with closing(sqlite3.connect(tmp_path / "data" / "cadenza.db")) as database:
        kept = database.execute("SELECT server, author, count(*) FROM opera GROUP BY server, author").fetchall()
    assert [count for *_, count in kept] == [2]


async def test_says_when_its_port_is_taken(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"Port {port} is in use on this machine"):
            await playground.run(settings.model_copy(update={"workers": 1, "port": port}))
