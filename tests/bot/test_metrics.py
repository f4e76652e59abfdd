"""Figures for those who watch over the bot."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
import simcord

from bot import metrics
from bot.client import ComposerBot, ready, watched
from bot.database import figures
from bot.settings import Settings, SettingsError

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana.json"


class Page:
    """Be who watches over a bot."""

    def __init__(self, web: aiohttp.ClientSession, address: str) -> None:
        self._web, self._address = web, address
        self.well = True

    async def text(self) -> str:
        async with self._web.get(f"{self._address}/metrics") as answer:
            return await answer.text()

    async def figures(self) -> dict[str, float]:
        lines = (await self.text()).splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}

    async def health(self) -> int:
        async with self._web.get(f"{self._address}/health") as answer:
            return answer.status


@pytest_asyncio.fixture
async def page(bot: ComposerBot) -> AsyncIterator[Page]:
    async def look() -> bool:
        return await figures.look(bot.store.engine, waiting=3, begun=2) and shown.well

    async with metrics.served("127.0.0.1", 0, look) as port, aiohttp.ClientSession() as web:
        shown = Page(web, f"http://127.0.0.1:{port}")
        yield shown


async def test_requests_waits_and_work_are_counted(
    page: Page, alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    before = await page.figures()
    assert (await alice.slash(channel, "compose", bars=1)).response is not None
    await alice.slash(channel, "compose", file=("noise.mid", b"no music at all"))
    after = await page.figures()

    def more(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert more('cadenza_requests_total{kind="/compose",outcome="done"}') == 1
    assert more('cadenza_requests_total{kind="/compose",outcome="ReadingError"}') == 1
    assert more("cadenza_wait_seconds_count") == 2
    assert more('cadenza_work_seconds_count{stage="compose"}') == 1
    assert more('cadenza_work_seconds_count{stage="deliver"}') == 1
    assert after['cadenza_trainings{state="running"}'] == 0
    assert (after["cadenza_waiting"], after["cadenza_begun"]) == (3, 2)


async def test_health_is_what_the_process_says_of_itself(page: Page) -> None:
    assert await page.health() == 200
    page.well = False
    assert await page.health() == 503


async def test_errors_in_the_log_are_counted(page: Page) -> None:
    import logging

    logging.getLogger("bot.work.somewhere").error("It went wrong")
    assert (await page.figures())['cadenza_errors_total{logger="bot"}'] >= 1


async def test_each_query_of_the_dashboard_names_what_there_is(page: Page) -> None:
    known = set(re.findall(r"^(\w+)[{ ]", await page.text(), re.MULTILINE))
    known |= {f"{name}_bucket" for name in re.findall(r"^# TYPE (\w+) histogram", await page.text(), re.MULTILINE)}
    known |= {f"{name}" for name in re.findall(r"^# TYPE (\w+) counter", await page.text(), re.MULTILINE)}
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    named = [set(re.findall(r"\b(?:cadenza|process)_\w+", query)) for query in queries]
    assert all(named)
    assert set().union(*named) <= known
    ours = {name for name in known if name.startswith("cadenza_") and not name.endswith(("_created", "_count", "_sum"))}
    assert {name for name in set().union(*named) if name.startswith("cadenza_")} == ours


async def test_a_bot_serves_its_figures_where_the_settings_want_them(settings: Settings) -> None:
    async with metrics.served("127.0.0.1", 0, _well) as port:
        with pytest.raises(SettingsError, match=f"There can be no figures at CADENZA_METRICS_PORT {port}"):
            async with watched(settings.model_copy(update={"metrics_port": port}), _well):
                raise AssertionError
    async with ready(settings.model_copy(update={"metrics_port": port, "workers": 1})), aiohttp.ClientSession() as web:
        page = Page(web, f"http://127.0.0.1:{port}")
        assert await page.health() == 503  # since it is not logged in
        assert "cadenza_requests" in await page.text()


async def _well() -> bool:
    return True
