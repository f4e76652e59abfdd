"""The playground, as a visitor meets it: the real process, a real browser."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from bot.playground import page as playground
from bot.settings import Settings, SettingsError
from tests.browser import browsing

PATIENCE = 600  # seconds, in which whatever does not hang is done on any machine
FIND = """const [number, selector, label] = arguments;
const messages = document.querySelectorAll("#channel-message-list > .channel-message");
const message = number === null ? document.body : messages[number];
const all = message && selector ? [...message.querySelectorAll(selector)] : [];
const found = all.find((each) => each.textContent.includes(label));
"""
DRAWN = """message?.scrollIntoView();
return message && [...message.querySelectorAll("img")].every((image) => image.complete && image.naturalWidth > 0)"""
# In one go, since the page may draw itself anew between two: null where a visitor could not press it.
PRESS = """const {pendingAction, awaitingRevision, publishedRevision} = simcordPreview;
if (!found || found.disabled || pendingAction || awaitingRevision > publishedRevision) return null;
found.scrollIntoView({block: "center"});
const {x, y, width, height} = found.getBoundingClientRect();
if (!found.contains(document.elementFromPoint(x + width / 2, y + height / 2))) return null;
found.click();
return simcordPreview.pendingAction?.requestId ?? "pressed";"""
DONE = """const {pendingAction, lastAction} = simcordPreview;
if (pendingAction?.requestId === arguments[0]) return null;
return lastAction?.requestId === arguments[0] && !lastAction.rejected ? "done" : "passed over";"""
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


class Page:
    """Look at the page as a visitor does, message by message, and press what is ready."""

    def __init__(self, browser: WebDriver) -> None:
        self.browser, self.presses = browser, 0

    def until(self, condition: Callable[[], object]) -> Any:
        """Wait until something holds, and return what it is."""
        return WebDriverWait(self.browser, PATIENCE).until(lambda _: condition())

    def look(self, script: str, message: int | None = None, selector: str = "", label: str = "") -> Any:
        """Run a script on a message, or on the page, and on what is found there."""
        return self.browser.execute_script(FIND + script, message, selector, label)

    def text(self, message: int | None = None) -> str:
        return str(self.look("return message?.innerText", message))

    def count(self, selector: str, message: int | None = None) -> int:
        return int(self.look("return all.length", message, selector))

    def grows_to(self, number: int, shows: str = "", players: int = 0) -> None:
        """Wait until there are so many messages, the last of which shows a text, players and its pictures."""
        last = number - 1
        self.until(lambda: self.count("#channel-message-list > .channel-message") == number)
        self.until(lambda: shows in self.text(last) and (not players or self.count("audio", last) == players))
        self.in_view(last)

    def in_view(self, message: int) -> None:
        """Scroll to a message and wait for its pictures, which the page loads when they are seen and which move it."""
        self.until(lambda: self.look(DRAWN, message))

    def press(self, message: int | None, selector: str, label: str = "") -> None:
        """Press what is ready, and again where the page passes it over, since the channel had just changed."""
        self.follow(lambda: self.look(PRESS, message, selector, label))
        self.presses += 1

    def follow(self, pressed: Callable[[], str | None]) -> None:
        """Press until the bot has been asked, and wait for its answer."""
        while (request := self.until(pressed)) != "pressed":
            if self.until(lambda: self.browser.execute_script(DONE, request)) == "done":
                return

    def choose(self, message: int, label: str) -> None:
        """Choose in the menu under a message, which is opened as often as the page closes it."""

        def chosen() -> str | None:
            option = self.look(PRESS, message, ".select-options [role=option]", label)
            if option is None and not self.count(".select-trigger[aria-expanded=true]", message):
                self.look(PRESS, message, ".select-trigger")
            return None if option is None else str(option)

        self.follow(chosen)

    def enter(self, name: str) -> None:
        """Go to another channel."""

        def there() -> bool:
            if self.browser.find_element(By.ID, "channel-name").text != name:
                self.look(PRESS, None, ".channel-button", f"# {name}")
                return False
            return True

        self.until(there)


def test_opens_with_a_piece_and_composes_what_is_typed(address: str, browser: WebDriver) -> None:
    browser.get(address)
    page = Page(browser)

    def type_into_focus(text: str) -> None:
        browser.switch_to.active_element.send_keys(text)

    page.grows_to(1, "16 bars", players=1)
    assert browser.title == "Cadenza: the playground"
    assert browser.find_element(By.CSS_SELECTOR, ".preview-brand strong").text == "Cadenza"
    assert browser.find_elements(By.CSS_SELECTOR, "link[rel=icon]")
    browser.set_window_size(500, 850)  # as on a phone, where all must be within reach
    browser.find_element(By.ID, "channel-composer-input").send_keys("/compose")
    page.until(lambda: page.count(".command-entry.is-active"))
    type_into_focus(Keys.ENTER)
    page.press(None, "[data-value=primer]")
    page.until(lambda: page.count("[data-option=primer]"))
    type_into_focus("65r2 67r2")
    page.press(None, "#send-message")
    page.grows_to(2, players=1)
    sound = browser.find_elements(By.TAG_NAME, "audio")[-1]
    browser.execute_script("arguments[0].scrollIntoView()", sound)
    page.until(lambda: browser.execute_script("return arguments[0].readyState > 0", sound))
    assert browser.execute_script("return arguments[0].duration", sound) > 1
    assert "r2" not in browser.find_element(By.ID, "channel-message-list").text  # notation is in the recipe


def test_takes_files_and_shows_what_can_be_done_with_a_message(address: str, browser: WebDriver) -> None:
    browser.get(address)
    page = Page(browser)
    page.grows_to(1)
    browser.find_element(By.ID, "attach-files").send_keys(str(ROOT / "docs" / "sound" / "fiddle-1.mid"))
    assert browser.find_element(By.CLASS_NAME, "chosen-file").text.startswith("fiddle-1.mid")
    browser.find_element(By.ID, "channel-composer-input").send_keys("My tune")
    page.press(None, "#send-message")
    page.grows_to(2, "fiddle-1.mid")
    assert "My tune" in page.text(1)
    assert not page.count(".chosen-file")

    menu = ".apps-menu button"

    def choices() -> list[str]:
        if not page.count(menu, 1):
            page.look(PRESS, 1, ".apps-button")
        return list(page.look("return all.map((each) => each.textContent)", 1, menu))

    def used() -> str | None:
        return page.look(PRESS, 1, menu, "Use this tune") if choices() else None

    assert {"Use this tune", "Continue this music"} <= set(page.until(choices))
    page.follow(used)
    page.grows_to(3, "tune.mid", players=1)


def test_four_presses_share_a_piece_and_every_button_works(
    address: str, browser: WebDriver, screenshot: Path | None
) -> None:
    browser.get(address)
    page = Page(browser)
    button, send = ".component-button", ".modal-dialog [type=submit]"
    page.grows_to(1, players=1)
    if screenshot is not None:
        browser.set_window_size(850, 1100)
        page.in_view(0)
        page.until(lambda: browser.execute_script("return document.querySelector('audio').readyState > 0"))
        browser.execute_script("document.activeElement.blur()")
        ActionChains(browser).move_to_element(browser.find_element(By.ID, "channel-name")).perform()
        page.in_view(0)
        browser.find_element(By.CSS_SELECTOR, "#channel-message-list > .channel-message").screenshot(str(screenshot))
    page.press(0, button, "Again")  # from opening the page to a shared piece, and nothing is typed
    page.grows_to(2, players=1)
    page.press(1, button, "Share")
    page.grows_to(3)
    page.press(2, button, "Make one, and share")
    page.press(None, send)
    page.grows_to(4, "It is in the showcase")
    assert page.presses == 4
    page.enter("showcase")
    page.grows_to(1, "❤️")
    page.enter("music")
    page.grows_to(4)

    page.choose(0, "Sheet")
    page.grows_to(5, ".musicxml")
    assert page.look("return found.naturalWidth", 4, "img") == 1400
    for number, label in enumerate(("Vary", "Continue"), 6):
        page.press(0, button, label)
        page.grows_to(number, players=1)
    page.choose(0, "Takes")
    page.grows_to(8, players=4)

    page.choose(0, "Tune")
    page.grows_to(9)
    page.press(8, button, "Length")
    page.until(lambda: page.count("[name=form]"))
    for name, before, after in (("form", "AABB", "AB"), ("bars", "16", "2")):
        field = browser.find_element(By.NAME, name)
        assert field.get_property("value") == before
        field.clear()
        field.send_keys(after)
    page.press(None, send)
    page.grows_to(9, "Bars: 2")
    page.press(8, button, "Compose")
    page.grows_to(10, "2 bars")

    shown = f"[data-message-id='{page.look('return message.dataset.messageId', 9)}']"
    page.choose(9, "Delete")
    page.grows_to(11)  # with the question
    page.press(10, button, "Delete")
    page.until(lambda: not page.count(shown))


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
