"""What the chat sees of a training: one message while it goes on, and a new one at its end."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import discord
from discord import Embed
from discord.ui import Button, View

from bot.chat import components, delivery, language
from bot.chat.answer import COLOUR, Answer, Enclosure, fit
from bot.chat.language import _, tell
from bot.chat.titles import title
from bot.composing import presentation
from bot.composing.studio import Studio
from bot.database import store
from bot.database.jobs import Job
from bot.training import attachments
from core.composing import style
from core.composing.recipe import ComposeRequest, Take
from core.errors import CadenzaError, Message, lines, mark
from core.training.progress import Epoch, Progress
from core.training.worker import Result

EDIT_EVERY: Final = 5.0  # seconds between two edits of one message, at least
BAR: Final = 20  # characters
FIRST_BARS: Final = 16  # of the first composition

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """Tell how a training goes: where it is, its epochs so far, and those of them that left a clip to listen to.

    Before its first step the `sentence` says what is tried.
    """

    progress: Progress | None = None
    epochs: tuple[Epoch, ...] = ()
    clips: tuple[int, ...] = ()
    sentence: Message | None = None


class Messages:
    """Tell the chat of trainings; `clock` tells seconds."""

    def __init__(self, client: discord.Client, studio: Studio, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._studio, self._clock = client, studio, clock
        self._edited: dict[str, float] = {}  # when, by the clock
        self._shown: dict[str, object] = {}
        self._lost: set[str] = set()

    def answered(self, job: Job, place: int) -> None:
        """Note that the message of a training has just been sent, with its place in the line."""
        self._edited[job.id], self._shown[job.id] = self._clock(), place

    async def queued(self, jobs: Iterable[Job]) -> None:
        """Show where trainings stand that wait."""
        for place, job in enumerate(jobs, 1):
            language.speak(job.locale)
            await self._edit(job, present_waiting(job, place), place)

    async def progress(self, job: Job, status: Status, folder: Path) -> None:
        """Show how a training goes, if that is new and the last edit is some time ago."""
        if self._clock() - self._edited.get(job.id, -EDIT_EVERY) < EDIT_EVERY:
            return
        language.speak(job.locale)
        clips = await asyncio.to_thread(_clips, status, folder)
        await self._edit(job, present_progress(job, status, clips), status)

    async def ended(self, job: Job, result: Result | None, folder: Path) -> None:
        """Announce how a training has ended."""
        language.speak(job.locale)
        if job.state == "done" and result is not None:
            answer = await self._present_model(job, result)
        else:
            answer = present_end(job)
        await self._send(job, answer)

    async def close(self, job: Job) -> None:
        """Say in the message that showed a training's progress that it has ended."""
        language.speak(job.locale)
        await self._edit(job, present_end(job), job.state)
        for known in (self._edited, self._shown):
            known.pop(job.id, None)
        self._lost.discard(job.id)

    async def _edit(self, job: Job, answer: Answer, what: object) -> None:
        if job.message is None or job.id in self._lost or self._shown.get(job.id) == what:
            return
        channel = self._client.get_partial_messageable(job.channel, guild_id=job.server)
        message = channel.get_partial_message(job.message)
        self._edited[job.id], self._shown[job.id] = self._clock(), what
        try:
            if answer.enclosures:
                files = [enclosure.file() for enclosure in answer.enclosures]
                await message.edit(content=None, embed=answer.embed, view=answer.view, attachments=files)
            else:
                await message.edit(content=None, embed=answer.embed, view=answer.view)
        except (discord.NotFound, discord.Forbidden) as error:
            _log.info("The message of the training %s is lost: %s", job.id, error)
            self._lost.add(job.id)
        except discord.HTTPException as error:
            _log.warning("The message of the training %s was not edited: %s", job.id, error)

    async def _send(self, job: Job, answer: Answer) -> None:
        """Send the end to the channel, or else to the one who asked."""
        guild = self._client.get_guild(job.server)
        most = self._studio.upload_bytes
        limit = most if guild is None else min(most, guild.filesize_limit)
        if answer.enclosures:
            answer = fit(answer, limit)
        mention = None if job.user is None else f"<@{job.user}>"
        channel = self._client.get_partial_messageable(job.channel, guild_id=job.server)
        try:
            await delivery.send(channel, answer, mention, notify=job.user)
        except discord.HTTPException as error:
            _log.info("The end of the training %s could not be told in its channel: %s", job.id, error)
            if job.user is None:
                return
            try:
                user = await self._client.fetch_user(job.user)
                await delivery.send(user, answer)
            except discord.HTTPException as second:
                _log.warning("The end of the training %s could not be told: %s", job.id, second)

    async def _present_model(self, job: Job, result: Result) -> Answer:
        """Write the message that shows a new model, with a first piece if one can be composed."""
        embed = _embed(job, _("{model} is trained"), await self._style(job))
        view = under_model(job.id, job.name)
        try:
            take, opus = await self._compose(job)
        except CadenzaError as error:
            embed.add_field(name=_("A first piece"), value=tell(error)[:1000], inline=False)
            return Answer(job.id, embed, (), view)
        piece = f"**{title(opus)}** · {presentation.length(take.bars)}\n"
        piece += _("With its buttons: /piece show {id}").format(id=opus.id)
        embed.add_field(name=_("A first piece"), value=piece, inline=False)
        if result.quoted is not None:
            quoted = _(
                "{share:.0%} of its notes stand in its training pieces in the same order, eight or more in a row. Of"
                " pieces that it has never heard it is {real:.0%}."
            ).format(share=result.quoted[0], real=result.quoted[1])
            embed.add_field(name=_("Quoted"), value=quoted, inline=False)
        if result.advice:
            embed.add_field(name=_("Advice"), value=_lines(result.advice), inline=False)
        return Answer(job.id, embed, presentation.enclose(opus, take, f"{job.name}-first"), view)

    async def _style(self, job: Job) -> str:
        """Say in a sentence what the music is like that a model is trained on, or what is known of the files."""
        try:
            params = self._studio.catalogue.at(job.server).params(job.name)
            said = await asyncio.to_thread(style.sentence, params.habits)
        except CadenzaError:
            said = None
        return _of_files(job) if said is None else tell(said)

    async def _compose(self, job: Job) -> tuple[Take, store.Opus]:
        studio = self._studio
        model = studio.catalogue.at(job.server).path(job.name)
        font = await studio.soundfont(job.server)
        request = ComposeRequest(model=str(model), bars=FIRST_BARS, picture=False, soundfont=font)
        asked, composition = time.monotonic(), await studio.workers.compose(request)
        opus = store.opus(composition, composition.takes[0], author=job.user or 0, server=job.server)
        if job.user is not None:
            await studio.store.add(opus, asked=asked)
        return composition.takes[0], opus


def present_waiting(job: Job, place: int) -> Answer:
    """Write the message of a training that waits; `place` 1 is next."""
    read = _("I can read {kept} of {found} pieces.")
    if job.gathered.kept == job.gathered.found:
        read = _("I can read all {found} pieces.")
    found = read.format(kept=job.gathered.kept, found=job.gathered.found)
    embed = _embed(job, _("{model} is waiting to be trained"), found)
    if job.gathered.keys:
        in_key = _("{count} in {key}")
        keys = ((_(key), count) for key, count in job.gathered.keys[:6])
        shown = ", ".join(in_key.format(count=count, key=key) for key, count in keys)
        embed.add_field(name=_("Keys"), value=shown + (" …" if len(job.gathered.keys) > 6 else ""), inline=False)
    if job.gathered.skipped:
        embed.add_field(name=_("Left out"), value=_left_out(job), inline=False)
    embed.add_field(name=_("Place"), value=turn(place - 1))
    return Answer(job.id, embed, (), under_training(job.id))


def turn(before: int) -> str:
    """Say how many trainings go before one that waits."""
    if not before:
        return _("It is next.")
    others = language.ngettext("1 other training is ahead of it.", "{count} other trainings are ahead of it.", before)
    return others.format(count=before)


def stage(job: Job, status: Status) -> str:
    """Say in a line how far a training is that has begun."""
    progress = status.progress
    if job.wish is not None:
        return _("It is being cancelled.")
    if progress is None:
        return _("Getting ready …") if status.sentence is None else tell(status.sentence)
    left = language.span(progress.seconds_left)
    going = _("Epoch {epoch} of {epochs}, loss {loss:.3f}, about {left} left.")
    return going.format(epoch=progress.epoch, epochs=progress.epochs, loss=progress.loss, left=left)


def stopping(status: Status) -> str:
    """Say what becomes of a training that is stopped so that it is kept."""
    if status.epochs:
        return _("It is stopping, and its best epoch will be kept.")
    return _("It is stopping. What it has learned so far will be kept, if that is anything.")


def present_progress(job: Job, status: Status, clips: tuple[Enclosure, ...]) -> Answer:
    """Write the message of a training that goes on: what it composes so far, how far it is, and how long it takes."""
    progress = status.progress
    if progress is None:
        embed = _embed(job, _("{model} is being trained"), stage(job, status))
    else:
        share = (progress.epoch - 1 + progress.step / max(1, progress.steps)) / progress.epochs
        if progress.seconds:  # of its time, as it is told
            share = progress.seconds / (progress.seconds + progress.seconds_left)
        filled = round(BAR * share)
        left = _("about {time} left").format(time=language.span(progress.seconds_left))
        bar = f"`{'█' * filled}{'░' * (BAR - filled)}` {share:.0%}\n{left}"
        embed = _embed(job, _("{model} is being trained"), bar)
    if clips:
        embed.add_field(name=_("Listen"), value="\n".join(clip.description for clip in clips), inline=False)
    return Answer(job.id, embed, clips, under_training(job.id))


async def present_details(job: Job, status: Status, folder: Path) -> Answer:
    """Write the figures of a training, one that goes on or has ended, for those who ask."""
    embed = _embed(job, _("The training of {model} in figures"), _summary(job))
    progress, result = status.progress, await asyncio.to_thread(Result.read, folder)
    if result is not None:
        losses = _("{loss:.3f}, after {first:.3f} in the first epoch")
        epochs = _("{epochs}, and number {best} was the best").format(epochs=result.epochs, best=result.best)
        embed.add_field(name=_("Epochs"), value=epochs)
        embed.add_field(
            name=_("Loss on held-out pieces"), value=losses.format(loss=result.val_loss, first=result.first_val_loss)
        )
        embed.add_field(name=_("Ended"), value=tell(result.ended))
    elif progress is not None:
        epoch = _("{epoch} of at most {epochs}").format(epoch=progress.epoch, epochs=progress.epochs)
        embed.add_field(name=_("Epoch"), value=epoch)
        embed.add_field(name=_("Loss"), value=f"{progress.loss:.3f}")
        if status.epochs:
            best = min(status.epochs, key=lambda epoch: epoch.val_loss)
            losses = _("{last:.3f}, best {best:.3f}").format(last=status.epochs[-1].val_loss, best=best.val_loss)
            embed.add_field(name=_("Loss on held-out pieces"), value=losses)
    curve = await asyncio.to_thread(_files, folder / "curve.png", _("The learning curve: loss by epoch"))
    if curve:
        embed.set_image(url=f"attachment://{curve[0].name}")
    return Answer(job.id, embed, curve)


def present_end(job: Job) -> Answer:
    """Write the message of a training that has ended."""
    titles = {
        "done": _("{model} is trained"),
        "cancelled": _("{model} was cancelled"),
        "failed": _("{model} could not be trained"),
    }
    return Answer(job.id, _embed(job, titles[job.state], tell(job.outcome) if job.outcome else ""), (), None)


def under_training(id: str) -> View:
    """Lay out the button of a training that has not ended."""
    cancel = components.button("train-cancel", mark("Cancel"), "🛑", 0, id)
    return components.lay_out((cancel, _details(id)))


def under_model(id: str, name: str) -> View:
    """Lay out the button of a model that has just been trained; `id` is the training's, which the model outlives."""
    return components.lay_out((components.button("train-try", mark("Try it"), "🎹", 0, f"{id}.{name}"), _details(id)))


def _details(id: str) -> Button[View]:
    return components.button("train-details", mark("Details"), "📈", 0, id)


async def present_report(job: Job, folder: Path) -> Answer:
    """Write the message that says what became of each file."""
    embed = _embed(job, _("What {model} is trained on"), _summary(job))
    if job.gathered.skipped:
        embed.add_field(name=_("Left out"), value=_left_out(job), inline=False)
    what = _("What became of each piece, as a table")
    return Answer(job.id, embed, await asyncio.to_thread(_files, folder / "report.csv", what))


def _embed(job: Job, title: str, description: str) -> Embed:
    embed = Embed(title=title.format(model=job.name), description=description[:4000], colour=COLOUR)
    embed.set_footer(text=_("Training {id}").format(id=job.id))
    return embed


def _summary(job: Job) -> str:
    return "\n".join(map(tell, job.gathered.summary))


def _left_out(job: Job) -> str:
    return tell(lines(attachments.listed(job.gathered.skipped)))


def _of_files(job: Job) -> str:
    """Say of what keys, metres and texture the files are."""
    return "\n".join(map(tell, job.gathered.summary[1:3])) or _summary(job)


def _clips(status: Status, folder: Path) -> tuple[Enclosure, ...]:
    """Return the first and the latest clip."""
    clips = dict.fromkeys((status.clips[0], status.clips[-1])) if status.clips else ()
    found = []
    for epoch in clips:
        after = language.ngettext("after {count} epoch", "after {count} epochs", epoch).format(count=epoch)
        sounds = _files(folder / "clips" / f"epoch-{epoch:03}.mp3", after)
        found += [replace(sound, name=f"{after.replace(' ', '-')}.mp3") for sound in sounds]
    return tuple(found)


def _files(path: Path, description: str) -> tuple[Enclosure, ...]:
    return (Enclosure(path.name, path.read_bytes(), description),) if path.exists() else ()


def _lines(sentences: Iterable[Message]) -> str:
    return "\n".join(f"- {tell(each)}" for each in sentences)[:1000]
