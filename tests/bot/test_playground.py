"""The playground, as a visitor meets it: the real process, a real browser."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from bot import playground
from bot.settings import Settings, SettingsError
from tests.machine import lacking

BROWSER = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
PATIENCE = 30  # seconds
ROOT = Path(__file__).parents[2]


@pytest.fixture
def address(tiny_model: Path) -> Iterator[str]:
    """Start the playground, return its address, and see that SIGTERM ends it cleanly."""
    environment = {**os.environ, "DISCORD_TOKEN": "", "CADENZA_MODELS": str(tiny_model.parent), "CADENZA_PORT": "0"}
    with subprocess.Popen(
        [sys.executable, "-m", "bot"], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("The playground is open: http://127.0.0.1:"), line
        yield line.split()[-1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[WebDriver]:
    """Open a headless Chromium with a profile of its own."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        lacking("Chromium and its driver are not installed (Debian: chromium, chromium-driver).")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in (*BROWSER.split(), "--window-size=1100,1300", f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(argument)
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as browser:
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
    assert "72r1" in browser.find_element(By.ID, "channel-message-list").text
    browser.find_element(By.ID, "channel-composer-input").send_keys("/compose")
    shows(".command-entry.is-active")
    type_into_focus(Keys.ENTER)
    shows("[data-value=primer].is-active")
    type_into_focus(Keys.ENTER)
    shows("[data-option=primer]")
    type_into_focus("65r2 67r2")
    browser.find_element(By.ID, "send-message").click()
    players(2)
    sound = browser.find_elements(By.TAG_NAME, "audio")[-1]
    browser.execute_script("arguments[0].scrollIntoView()", sound)
    wait.until(lambda page: page.execute_script("return arguments[0].readyState > 0", sound))
    assert browser.execute_script("return arguments[0].duration", sound) > 30
    assert "65r267r2" in browser.find_element(By.ID, "channel-message-list").text


async def test_says_when_its_port_is_taken(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"Port {port} is in use on this machine"):
            await playground.run(Settings(models=settings.models, workers=1, port=port))
