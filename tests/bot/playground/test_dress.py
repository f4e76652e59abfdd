"""The page of the playground: what SimCord shows otherwise than Discord does."""

import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp
import pytest
import simcord
from simcord.preview import Preview
from simcord.preview._server import PreviewServer

from bot.playground import dress, page


@pytest.fixture(autouse=True)
def dressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PreviewServer, "_static", PreviewServer._static)
    monkeypatch.setattr(Preview, "_publish", Preview._publish)
    dress.put_on()


async def test_shows_users_and_channels_by_name_and_todays_date(
    env: simcord.Env,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    alice: simcord.MemberActor,
    admin: simcord.MemberActor,
) -> None:
    before = datetime.now(UTC).date()
    async with page.today(env), env.preview(channel, viewers=[alice], layout="channel") as preview:
        piece = (await alice.slash(channel, "compose", primer="60r2 64r2", bars=2, seed=11)).response
        assert piece is not None
        await admin.slash(channel, "server choose", showcase=channel)
        await alice.click(piece, label="Share")
        await alice.slash(channel, "piece favourites")
        await preview.refresh()
        favourites = (await preview.snapshot())["messages"][str(channel.history()[-1].id)]
    assert '"label": "@alice"' in json.dumps(favourites)
    assert before <= channel.history()[-1].created_at.date() <= datetime.now(UTC).date()


async def test_counts_how_long_ago_something_was_from_now(
    env: simcord.Env, channel: simcord.ChannelHandle, alice: simcord.MemberActor
) -> None:
    async with env.preview(channel, viewers=[alice], layout="channel") as preview:
        env.backend.advance_clock(7200)
        shown = (await preview.snapshot())["profile"]["presentationTime"]
        assert datetime.fromisoformat(shown) == env.now()


async def test_names_cadenza_and_hides_links_that_lead_nowhere(
    env: simcord.Env, channel: simcord.ChannelHandle, alice: simcord.MemberActor
) -> None:
    async with env.preview(channel, viewers=[alice], layout="channel") as preview, aiohttp.ClientSession() as visitor:
        found = {}
        for path in dress.INSTEAD:
            async with visitor.get(f"http://{urlsplit(preview.url).netloc}{path}") as response:
                found[path] = await response.text()
    for path, changes in dress.INSTEAD.items():
        assert all(new in found[path] for new in changes.values())
    assert "SimCord</strong>" not in found["/"]
