"""/server: what a server chooses, who may choose it, and that it holds."""

import asyncio
import shutil
from pathlib import Path

import discord
import pytest
import simcord

from bot.database.store import Server, Store
from core.performing import audio
from tests.bot.clicking import model_of


@pytest.fixture
def manager(env: simcord.Env, guild: simcord.GuildHandle) -> simcord.MemberActor:
    role = guild.create_role("manager", permissions=discord.Permissions(manage_guild=True))
    return guild.add_member(env.create_user("manager"), roles=[role])


@pytest.fixture
def font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a soundfont of the test's own, beside those of the machine."""
    folder = tmp_path / "fonts"
    folder.mkdir()
    monkeypatch.setattr(audio, "SOUNDFONT_FOLDERS", (*audio.SOUNDFONT_FOLDERS, folder))
    smallest = min(audio.soundfonts(), key=lambda path: path.stat().st_size)
    shutil.copy(smallest, folder / "own.sf2")
    return folder / "own.sf2"


def _fields(result: simcord.InteractionResult) -> dict[str, str]:
    assert result.response is not None
    assert result.response.ephemeral
    return {str(field.name): str(field.value) for field in result.response.embeds[0].fields}


def _refusal(result: simcord.InteractionResult) -> str:
    [reply] = [each for each in (result.response, *result.followups) if each is not None]
    assert reply.ephemeral
    return reply.content


def _cut(font: Path, size: int) -> None:
    font.write_bytes(font.read_bytes()[:size])


async def test_shows_what_holds_where_nothing_is_chosen(
    manager: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    assert _fields(await manager.slash(channel, "server show")) == {
        "Model": "tiny (the default)",
        "Temperature": "1 (the default)",
        "Length": "16 (the default)",
        "Showcase": "none",
        "Trainers": "only those who manage the server",
        "Soundfont": "the bot's (the default)",
        "Played by": "those that the model's music is for (the default)",
        "Films": "never (the default)",
    }


async def test_chooses_one_thing_after_the_other_and_takes_them_back(
    manager: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    store: Store,
    font: Path,
) -> None:
    role = guild.create_role("composers")
    await manager.slash(channel, "server choose", model="tiny", temperature=0.8, bars=4)
    fields = _fields(
        await manager.slash(channel, "server choose", showcase=channel, trainers=role, soundfont=font.name)
    )
    assert fields == {
        "Model": "tiny",
        "Temperature": "0.8",
        "Length": "4",
        "Showcase": channel.mention,
        "Trainers": role.mention,
        "Soundfont": "own.sf2",
        "Played by": "those that the model's music is for (the default)",
        "Films": "never (the default)",
    }
    everything = Server(
        model="tiny", temperature=0.8, bars=4, showcase=channel.id, trainers=role.id, soundfont="own.sf2"
    )
    assert await store.server(guild.id) == everything
    assert _fields(await manager.slash(channel, "server show")) == fields
    assert _fields(await manager.slash(channel, "server reset", what="showcase"))["Showcase"] == "none"
    assert (await store.server(guild.id)).model == "tiny"
    await manager.slash(channel, "server reset", what="everything")
    assert await store.server(guild.id) == Server()


async def test_what_is_chosen_holds_in_compose(
    manager: simcord.MemberActor, alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    await manager.slash(channel, "server choose", model="tiny", temperature=0.8, bars=2)
    await alice.slash(channel, "compose")
    await alice.slash(channel, "compose", temperature=1.2, bars=3)
    await manager.slash(channel, "server choose", instrument="harp")
    await alice.slash(channel, "compose")
    third, second, first = await store.by_author(alice.id, 3)
    assert (third.request.instrument, first.request.instrument) == ("harp", "piano")
    assert (first.model.name, first.request.temperature, first.request.bars) == ("tiny", 0.8, 2)
    assert (second.request.temperature, second.request.bars) == (1.2, 3)


async def test_a_default_model_that_is_gone_leaves_the_choice_to_the_bot(
    manager: simcord.MemberActor,
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    store: Store,
) -> None:
    await store.choose(guild.id, Server(model="gone", bars=1))
    assert _fields(await manager.slash(channel, "server show"))["Model"] == "tiny (the default)"
    piece = (await alice.slash(channel, "compose")).response
    assert piece is not None
    continued = (await alice.context_menu(channel, "Continue this music", piece.message)).response
    assert [model_of(each) for each in (piece, continued) if each is not None] == ["tiny"] * 2
    models = (await alice.slash(channel, "models list")).response
    assert models is not None
    assert str(models.embeds[0].description).endswith("the default")


async def test_pieces_are_played_with_the_soundfont_until_it_is_gone(
    manager: simcord.MemberActor, alice: simcord.MemberActor, channel: simcord.ChannelHandle, font: Path
) -> None:
    await manager.slash(channel, "server choose", soundfont="own.sf2")
    first = (await alice.slash(channel, "compose", bars=1)).response
    assert first is not None
    _cut(font, 5000)
    for result in (await alice.slash(channel, "compose", bars=1), await alice.click(first, label="Again")):
        assert _refusal(result) == "The soundfont own.sf2 is cut short: fetch it again, or choose another."
    await asyncio.to_thread(font.unlink)
    assert (await alice.slash(channel, "compose", bars=1)).response is not None


async def test_only_who_manages_the_server_sees_it_at_all(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    with pytest.raises(simcord.SetupError, match="not visible"):
        await alice.slash(channel, "server show")


@pytest.mark.parametrize(
    ("command", "options"), [("show", {}), ("setup", {}), ("choose", {"bars": 1}), ("reset", {"what": "everything"})]
)
async def test_asks_for_the_right_even_where_the_server_s_settings_have_opened_it(
    env: simcord.Env,
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    store: Store,
    command: str,
    options: dict[str, object],
) -> None:
    registered = env.backend.find_command("server", None)
    assert registered is not None
    guild.set_command_permissions(int(registered["id"]), {alice: True})
    result = await alice.slash(channel, f"server {command}", **options)
    assert _refusal(result) == "Only members with the permission Manage Server can do that."
    assert await store.server(guild.id) == Server()


async def test_is_for_servers_alone(env: simcord.Env, manager: simcord.MemberActor) -> None:
    with pytest.raises(simcord.SetupError, match="not visible"):
        await manager.user.slash("server show")


async def test_one_server_s_choice_is_no_other_s(
    env: simcord.Env, manager: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    await manager.slash(channel, "server choose", bars=1)
    other = env.create_guild()
    carol = other.add_member(env.create_user("carol"))
    await carol.slash(other.create_text_channel("music"), "compose")
    assert (await store.by_author(carol.id, 1))[0].bars == 16


async def test_refuses_a_showcase_where_it_may_not_post(
    manager: simcord.MemberActor, guild: simcord.GuildHandle, channel: simcord.ChannelHandle, store: Store
) -> None:
    closed = guild.create_text_channel(
        "closed", overwrites={guild.default_role: discord.PermissionOverwrite(attach_files=False, view_channel=True)}
    )
    result = await manager.slash(channel, "server choose", showcase=closed, bars=3)
    assert _refusal(result) == (
        f"In {closed.mention} I am not allowed to attach files. Allow me that, then choose the channel again."
    )
    assert await store.server(guild.id) == Server()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"model": "jazz"}, "There is no model called 'jazz'. There are: tiny."),
        ({"soundfont": "../../etc/passwd"}, "There is no soundfont called '../../etc/passwd'. There are: "),
        ({"instrument": "kazoo"}, "There is no instrument"),
        ({"film": "always"}, "There are no films here"),
    ],
)
async def test_refuses_what_is_not_there(
    manager: simcord.MemberActor, channel: simcord.ChannelHandle, options: dict[str, str], sentence: str
) -> None:
    assert _refusal(await manager.slash(channel, "server choose", **options)).startswith(sentence)


async def test_refuses_a_soundfont_that_is_not_whole(
    manager: simcord.MemberActor, channel: simcord.ChannelHandle, font: Path
) -> None:
    _cut(font, 4)
    assert "own.sf2 is not a soundfont" in _refusal(await manager.slash(channel, "server choose", soundfont="own.sf2"))


async def test_offers_models_and_soundfonts(
    manager: simcord.MemberActor, channel: simcord.ChannelHandle, font: Path
) -> None:
    offers = await manager.autocomplete(channel, "server choose", "soundfont", "OWN")
    assert offers == [{"name": "own.sf2", "value": "own.sf2"}]
    assert await manager.autocomplete(channel, "server choose", "model", "") == [{"name": "tiny", "value": "tiny"}]
