"""Hostile uploads to /train: each is refused in a sentence, and composing goes on meanwhile."""

from pathlib import Path

import pytest
import simcord

from bot.client import ComposerBot
from bot.database.store import Store
from tests.bot.acting import begin
from tests.bot.clicking import recipe_of
from tests.bot.music import HOSTILE, files, midi, named, packed
from tests.bot.trainings import train

ARCHIVES = [name for name in HOSTILE if name.endswith(".zip")]  # of which each has a reason for every file in it
OTHERS = [name for name in HOSTILE if name not in ARCHIVES]
TOGETHER = 5  # files of one request, so that there is room for the reason of each


@pytest.mark.parametrize(
    "names", [*([name] for name in ARCHIVES), *(OTHERS[n : n + TOGETHER] for n in range(0, len(OTHERS), TOGETHER))]
)
async def test_refuses_hostile_files_while_composing_goes_on(
    env: simcord.Env,
    bot: ComposerBot,
    store: Store,
    admin: simcord.MemberActor,
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    names: list[str],
) -> None:
    await begin(env, alice.slash(channel, "compose", bars=16, seed=1))
    [answer] = (await train(admin, channel, name="evil", **named(*((name, HOSTILE[name]) for name in names)))).followups
    assert answer.ephemeral
    assert answer.content.startswith("There is nothing to train on, so nothing was started: no piece was kept.")
    lines = [line for line in answer.content.splitlines() if line.startswith("- ")]
    assert all(line.endswith(".") for line in lines)
    assert all(any(line.startswith(f"- {Path(name).name}") for line in lines) for name in names), lines
    assert "Something went wrong" not in answer.content
    assert await store.jobs.of(guild.id) == ()
    [piece] = [message for message in channel.history() if message.attachments]
    assert (await recipe_of(alice, piece))["Seed"] == "`1`"
    assert _left(bot.settings.data) == []


async def test_one_hostile_file_does_not_stop_the_others(
    store: Store, admin: simcord.MemberActor, guild: simcord.GuildHandle, channel: simcord.ChannelHandle
) -> None:
    uploads = named(
        ("good.zip", packed(a__mid=midi(1), b__mid=midi(2))),
        *((name, HOSTILE[name]) for name in ("endless.mid", "words.txt", "damaged.zip", "../../etc/passwd.mid")),
    )
    answer = (await train(admin, channel, name="mixed", **uploads)).response
    assert answer is not None
    assert answer.embeds[0].description == "I can read 2 of 5 pieces."
    fields = {field.name: str(field.value) for field in answer.embeds[0].fields}
    assert fields["Left out"].count("\n- ") == 3
    assert "words.txt: .txt is not the ending of a music file" in fields["Left out"]
    [job] = await store.jobs.of(guild.id)
    assert (job.state, job.gathered.kept, job.gathered.rest_unit) == ("queued", 2, "1/2")


async def test_keeps_of_uploads_only_their_notes(
    bot: ComposerBot,
    store: Store,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    await train(admin, channel, name="scales", **files())
    [job] = await store.jobs.of(guild.id)
    kept = {path.name: path.read_bytes() for path in bot.trainer.folder(job.id).iterdir()}
    assert set(kept) == {"notes.txt", "report.csv"}
    assert _left(bot.settings.data) == [f"trainings/{job.id}/{name}" for name in ("notes.txt", "report.csv")]
    assert not any(b"MThd" in content for content in kept.values())


@pytest.mark.parametrize(
    ("uploads", "says"),
    [
        (named(("one.mid", midi(1))), "only one piece was kept, and at least two are needed"),
        (named(("one.mid", midi(1)), ("again.mid", midi(1))), "only one piece was kept"),
        (named(("large.mid", bytes(2 << 20))), "The file is larger than 1 MiB."),
        (named(*((f"{n}.zip", bytes(3 << 20)) for n in range(6))), "larger than 16 MiB together"),
        (named(("short.mid", midi(1, notes=3)), ("shorter.mid", midi(2, notes=2))), "at least 8 are needed"),
    ],
)
async def test_says_what_is_too_little_or_too_much(
    store: Store,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    uploads: dict[str, list[tuple[str, bytes]]],
    says: str,
) -> None:
    result = await train(admin, channel, name="scales", **uploads)
    answer = result.followups[0] if result.response is None else result.response
    assert answer.ephemeral
    assert says in answer.content
    assert await store.jobs.of(guild.id) == ()


async def test_downloads_nothing_that_is_too_large_or_no_music(
    env: simcord.Env, admin: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    before = len(env.http_requests)
    uploads = named(("words.txt", b"words"), ("large.mid", bytes(2 << 20)))
    result = await train(admin, channel, name="scales", **uploads)
    assert not result.deferred
    assert [request.path for request in env.http_requests[before:] if "attachments" in request.path] == []


def _left(data: Path) -> list[str]:
    """List the files that the bot keeps of trainings."""
    return sorted(
        str(path.relative_to(data))
        for folder in ("uploads", "trainings")
        for path in (data / folder).rglob("*")
        if path.is_file()
    )
