"""/rewrite: some bars become others, all else stays, also where four voices sing."""

from fractions import Fraction
from pathlib import Path

import pytest
import simcord

from bot.database.store import Opus, Store
from bot.settings import Settings
from core.music import score
from tests.bot.clicking import files, filled_in, opus_in, opus_of, press, refusal
from tests.bot.music import TUNE


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings for a bot with the models that ship."""
    return Settings(models=Path("models"), data=tmp_path, shards=1)


def bars(opus: Opus) -> list[list[tuple[int, tuple[int, ...]]]]:
    """Return what begins in each bar of a piece."""
    piece = score.from_text(opus.text, opus.model.anchor, Fraction(opus.model.rest_unit))
    found: list[list[tuple[int, tuple[int, ...]]]] = [[] for _ in range(-(-piece.length // piece.units_per_bar))]
    for event in piece.events:
        found[event.onset // piece.units_per_bar].append((event.onset, event.pitches))
    return found


async def test_only_the_bars_that_are_named_become_others(
    alice: simcord.MemberActor, bob: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    options = {
        "primer": "C5 D5 E5 F5",
        "bars": 4,
        "seed": 3,
        "effort": 1,
        "model": "chorales",
        "form": "through-composed",
    }
    before = await opus_in(store, await alice.slash(channel, "compose", **options))
    result = await bob.slash(channel, "rewrite", piece=before.id, bars="2-3", seed=8, effort=1)
    after = await opus_in(store, result)
    assert (after.parent, after.request.rewrite, after.author) == (before.id, "2-3", bob.id)
    assert bars(after)[0] == bars(before)[0]
    assert bars(after)[3] == bars(before)[3]
    assert bars(after)[1:3] != bars(before)[1:3]
    assert result.response is not None
    assert "Bars 2-3 are new." in str(result.response.embeds[0].to_dict())
    shown = await alice.slash(channel, "piece show", id=after.id)
    assert shown.response is not None
    assert await files(shown.response) == await files(result.response)
    otherwise = await opus_in(store, await bob.click(result.response, label="Again"))
    assert otherwise.request.rewrite == "2-3"
    assert bars(otherwise)[0] == bars(before)[0]


async def test_the_melody_that_was_harmonised_stays_above_voices_that_are_new(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    before = await opus_in(store, await alice.slash(channel, "harmonize", melody=TUNE, seed=5, effort=1))
    after = await opus_in(store, await alice.slash(channel, "rewrite", piece=before.id, bars="2", seed=1))
    assert before.parts is not None
    assert after.parts is not None
    assert after.parts.parts[0] == before.parts.parts[0]
    assert bars(after)[0] == bars(before)[0]
    assert bars(after)[1] != bars(before)[1]
    assert bars(after)[2:] == bars(before)[2:]


async def test_the_menu_asks_which_bars(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    shown = await alice.slash(channel, "compose", primer="C5 D5 E5 F5", bars=8, effort=1)
    before = await opus_in(store, shown)
    assert shown.response is not None
    form = await press(alice, shown.response, "Rewrite")
    after = await opus_in(store, await alice.submit_modal(form, filled_in(form, "3-8")))
    assert bars(after)[:2] == bars(before)[:2]
    assert bars(after)[2:] != bars(before)[2:]


@pytest.mark.parametrize(
    ("wanted", "sentence"), [("9-12", "This piece has bars 1 to 2"), ("all", "names no bars"), ("0", "bars 1 to 2")]
)
async def test_bars_that_are_not_there_are_refused_for_the_user_alone(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store, wanted: str, sentence: str
) -> None:
    message = (await alice.slash(channel, "compose", primer="C5 D5 E5 F5", bars=2, effort=1)).response
    assert message is not None
    opus = await opus_of(store, message)
    assert sentence in refusal(await alice.slash(channel, "rewrite", piece=opus.id, bars=wanted))


async def test_nobody_elsewhere_rewrites_a_piece(
    env: simcord.Env, alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    opus = await opus_in(store, await alice.slash(channel, "compose", primer="C5 D5", bars=1, effort=1))
    carol = env.create_guild().add_member(env.create_user("carol"))
    elsewhere = carol.guild.create_text_channel("music")
    assert isinstance(opus, Opus)
    assert "There is no piece" in refusal(await carol.slash(elsewhere, "rewrite", piece=opus.id, bars="1"))
