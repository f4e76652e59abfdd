"""Setting up a server, by who manages it and by others, and what Share does where there is no showcase."""

from collections.abc import Awaitable, Callable
from typing import Any

import discord
import pytest
import simcord

from bot.client import ComposerBot
from bot.community.setup import USUAL
from bot.database.store import Server, Store
from tests.bot.clicking import files, opus_of, refusal

Then = Callable[[], Awaitable[None]]


def _answers(showcase: Any = (), trainers: Any = (), model: str = USUAL) -> dict[str, Any]:
    return {"showcase": list(showcase), "trainers": list(trainers), "model": [model]}


async def test_one_form_chooses_showcase_trainers_model_and_films(
    bot: ComposerBot,
    monkeypatch: pytest.MonkeyPatch,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    store: Store,
    locales: dict[int, str],
) -> None:
    monkeypatch.setattr(bot.studio.films, "usual", "when shared")
    trainers = guild.create_role("trainers")
    form = await admin.slash(channel, "server setup")
    assert form.modal is not None
    done = refusal(await admin.submit_modal(form, _answers([channel], [trainers], "tiny") | {"film": ["always"]}))
    assert f"<#{channel.id}>" in done
    chosen = Server(showcase=channel.id, trainers=trainers.id, model="tiny", film="always")
    assert await store.server(guild.id) == chosen
    locales[admin.id] = "de"
    form = await admin.slash(channel, "server setup")
    assert form.modal is not None
    assert form.modal["title"] == "Cadenza einrichten"
    components = {label["component"]["custom_id"]: label["component"] for label in form.modal["components"]}
    assert [int(each["id"]) for each in components["showcase"]["default_values"]] == [channel.id]
    assert [each["value"] for each in components["model"]["options"] if each.get("default")] == ["tiny"]


async def test_it_makes_a_channel_where_it_may_and_keeps_the_rest_where_it_may_not(
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    env: simcord.Env,
    store: Store,
) -> None:
    env.inject_error("POST", "/guilds/*/channels", status=403, code=50013, message="Missing Permissions", times=1)
    form = await admin.slash(channel, "server setup")
    said = refusal(await admin.submit_modal(form, _answers(model="tiny")))
    assert said.startswith("I may not make a channel here.")
    assert await store.server(guild.id) == Server(model="tiny")
    form = await admin.slash(channel, "server setup")
    refusal(await admin.submit_modal(form, _answers()))
    showcase = (await store.server(guild.id)).showcase
    assert showcase is not None
    made = env.bot.get_channel(showcase)
    assert isinstance(made, discord.TextChannel)
    assert made.name == "showcase"


async def test_share_offers_a_manager_to_set_up_and_shares_behind_it(
    admin: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    store: Store,
    then: Then,
) -> None:
    await admin.slash(channel, "compose", bars=1)
    [piece] = channel.history()
    await then()
    offer = await admin.click(piece, label="Share")
    assert "There is no showcase here yet." in refusal(offer)
    assert offer.response is not None
    form = await admin.click(offer.response, label="Make one, and share")
    await then()
    said = refusal(await admin.submit_modal(form, _answers()))
    showing = await store.showing((await opus_of(store, piece)).id)
    assert showing is not None
    assert showing.link in said


async def test_share_without_a_showcase_shows_the_piece_here(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, old_piece: discord.Message
) -> None:
    result = await alice.click(old_piece, label="Share")
    shown = channel.history()[-1]
    assert shown.id != old_piece.id
    assert shown.content == f"By {alice.mention}"
    assert await files(shown) == await files(old_piece)
    [sentence] = result.followups
    assert sentence.ephemeral
    assert sentence.content.startswith("There is no showcase here, so it is shown in this channel.")
