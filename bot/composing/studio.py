"""The walk of a request: a turn in the queue, the workers, the store, and the answer in the chat."""

import asyncio
import logging
import math
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import discord
from discord import Interaction
from discord.ui import View

from bot import metrics
from bot.chat import delivery, language, promises, replies, titles
from bot.chat.answer import Answer
from bot.chat.language import _, ngettext, span
from bot.composing import presentation
from bot.composing.film import SHARED, Films
from bot.composing.piece_files import PieceFiles
from bot.composing.soprano import Soprano
from bot.composing.tastes import Tastes
from bot.composing.typed import Typed
from bot.composing.uploads import Upload
from bot.database import store as database
from bot.database.requests import Pending
from bot.database.store import Opus, Store
from bot.models.catalogue import Catalogue
from bot.models.shelves import Shelves
from bot.work.cache import Cache
from bot.work.queue import TURN, Asked, Line, Place, QueueError, Turn
from bot.work.workers import Work
from core.composing import reprise
from core.composing.drafting import USUAL_EFFORT
from core.composing.recipe import ComposeRequest, Composition, Take, check_request, metre_of
from core.composing.sampling import LONGEST_PIECE
from core.errors import BundleError, CadenzaError, Message, RequestError, mark
from core.model.bundle import Params
from core.music import score
from core.music.metre import COMMON
from core.performing import audio
from core.reading.melody import Primer

BARS_FURTHER: Final = 16  # that a piece grows by when it is continued
TAKES: Final = 4
BARS_OF_A_TAKE: Final = 8  # behind its primer

_log = logging.getLogger(__name__)


class Studio:
    """Compose for whoever asks in the chat, and bring back what was composed.

    `soundfont` plays where a server has chosen none; `upload_bytes` is what the files of a message may weigh together.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        queue: Line,
        workers: Work,
        cache: Cache,
        *,
        soundfont: Path | None,
        upload_bytes: int,
        shelves: Shelves | None = None,
        film: str = SHARED,
    ) -> None:
        self.shelves = shelves or Shelves()
        self.catalogue, self.store, self.workers, self.upload_bytes = catalogue, store, workers, upload_bytes
        self.files = PieceFiles(cache, workers)
        self.tastes = Tastes(catalogue, store)
        self.films = Films(store, self.files, self._own, film, upload_bytes)
        self._queue, self._soundfont = queue, soundfont

    @classmethod
    def of(cls, interaction: Interaction[Any]) -> Self:
        """Return the studio of the bot that was asked, for what outlives restarts and is handed nothing else."""
        studio: Self = interaction.client.studio
        return studio

    async def compose(
        self,
        interaction: Interaction,
        request: ComposeRequest,
        parent: Opus | None = None,
        beginning: Upload | Typed | Soprano | None = None,
        *,
        grows: bool = False,
    ) -> None:
        """Answer an interaction with a composition, which begins with what somebody typed or handed over, or sings it.

        What the server likes leans on it unless a seed is given, which brings the same piece everywhere. The piece
        `grows` where its beginning leaves little of its length. Raises CadenzaError for anything that the user can
        mend.
        """
        asked, words = time.monotonic(), tuple[Message, ...]()
        params = self.catalogue.at(interaction.guild_id).params(Path(request.model).name)
        if beginning is not None:
            beginning.check()
        if isinstance(beginning, Typed | Soprano) and beginning.is_quick:
            if isinstance(beginning, Soprano):
                request, words = beginning.begun(request)
            else:
                request, words = _begun(request, beginning.read(), params, grows)
            beginning = None
        if request.seed is None and not request.melody:
            request = replace(request, taste=str(await self.tastes.of(interaction.guild_id)))
        check_request(request, params)  # now, while a refusal costs nothing and is for the user alone
        request = replace(request, soundfont=await self.soundfont(interaction.guild_id), picture=request.takes == 1)
        origin = None if parent is None else parent.id
        private = await self._is_shown(interaction)
        async with self.turn(interaction, cost=_cost(request), private=private) as turn:
            if isinstance(beginning, Soprano):
                request, words = await beginning.begin(request, self.workers)
            elif beginning is not None:
                request, words = _begun(request, await beginning.primer(self.workers), params, grows)
            seed = secrets.randbelow(2**32) if request.seed is None else request.seed
            request = replace(request, seed=seed)  # whoever composes it, and however often
            await turn.note(_job(request, origin))
            composition = await self.workers.compose(request)
        keep = partial(database.opus, author=interaction.user.id, server=interaction.guild_id, parent=origin)
        opera = [keep(composition, take) for take in composition.takes]
        await turn.made([opus.id for opus in opera])
        await self.store.add(*opera, asked=asked)
        await self._show(interaction, composition, opera, request.soundfont, words, private=private)

    async def _is_shown(self, interaction: Interaction) -> bool:
        """Tell whether somebody clicked under a piece in the showcase, which is for what was shared alone."""
        if interaction.message is None or interaction.channel_id is None:
            return False
        return (await self.store.server(interaction.guild_id)).showcase == interaction.channel_id

    async def take_up(self, interaction: Interaction, pending: Pending) -> None:
        """Answer what a process was asked that is no more: with the same piece that it would have brought."""
        language.speak(interaction.locale.value)
        if pending.claimed and not await promises.is_open(interaction):
            return  # it was still sent
        try:
            if pending.job is None:
                raise QueueError("The bot was restarted while it worked on this. Ask again.")
            request, origin = self._asked(pending.job, interaction.guild_id)
            request = replace(request, soundfont=await self.soundfont(interaction.guild_id))
            composition = await self.workers.compose(request)
            keep = partial(database.opus, author=pending.user, server=interaction.guild_id, parent=origin)
            opera = [keep(composition, take) for take in composition.takes]
            if pending.made:
                opera = [replace(opus, id=kept) for opus, kept in zip(opera, pending.made, strict=True)]
            turn = TURN.get()
            if turn is not None:
                await turn.made([opus.id for opus in opera])
            known = {opus.id for opus in await self.store.find(*(opus.id for opus in opera))}
            if unknown := [opus for opus in opera if opus.id not in known]:
                await self.store.add(*unknown)
            private = bool(pending.origin.get("private", True))  # earlier versions did not write it down
            await self._show(interaction, composition, opera, request.soundfont, private=private)
        except CadenzaError as error:
            await promises.say(interaction, replies.sentence(error))

    async def _show(
        self,
        interaction: Interaction,
        composition: Composition,
        opera: list[Opus],
        soundfont: str | None,
        words: Sequence[Message] = (),
        *,
        private: bool = False,
    ) -> None:
        if composition.request.rewrite:
            words = (*words, mark("Bars {bars} are new.", bars=composition.request.rewrite))
        if len(opera) == 1:
            own = replace(self.recipe(opera[0], missing_ok=True), soundfont=soundfont)
            await self.files.keep(opera[0], own, composition.takes[0])  # before anybody can delete it
            answer = await self.present(opera[0], composition.takes[0], presentation.under(opera[0]), words)
            message = await self.deliver(interaction, answer, private=private)
            if not private:
                await self.films.follow(message, answer, opera[0], composition.takes[0])
        else:
            answer = await self.present_takes(opera, composition.takes)
            await self.deliver(interaction, answer, private=private)

    async def present_takes(self, opera: Sequence[Opus], takes: Sequence[Take]) -> Answer:
        """Write the message that shows several takes side by side."""
        picture = await self.workers.run(
            reprise.side_by_side,
            [(opus.text, presentation.caption(opus), opus.parts) for opus in opera],
            opera[0].model,
            opera[0].given,
            metre_of(opera[0].request),
        )
        return presentation.present_takes(opera, takes, picture, presentation.under_takes(opera))

    async def present(self, opus: Opus, take: Take, view: View | None, words: Sequence[Message] = ()) -> Answer:
        """Write the message that shows a piece: with its sheet, if it was harmonised."""
        sheet = None if opus.parts is None else await self.files.sheet(opus, titles.title(opus))
        return presentation.present(opus, take, view, words, sheet)

    async def again(self, interaction: Interaction, opus: Opus) -> None:
        """Compose by the same recipe, with another seed."""
        await self.compose(interaction, replace(self._recipe_here(interaction, opus), seed=None), opus)
        await self.tastes.pass_over(interaction.guild_id, interaction.user.id, "again", opus)

    async def vary(self, interaction: Interaction, opus: Opus) -> None:
        """Compose another second half to the first one; what was harmonised, in other voices."""
        if opus.parts is not None:
            await self.again(interaction, opus)
            return
        opening = await asyncio.to_thread(reprise.opening, opus.text, opus.model, metre_of(opus.request))
        recipe = self._recipe_here(interaction, opus)
        bars = max(2, recipe.bars or _length(opus))
        request = replace(recipe, primer=opening, bars=bars, key=None, seed=None, rewrite="")
        await self.compose(interaction, request, opus)

    async def go_on(self, interaction: Interaction, opus: Opus) -> None:
        """Compose on from where a piece ends."""
        length = _length(opus)
        if length >= LONGEST_PIECE:
            raise RequestError(
                "This piece has {bars:g} bars, and a piece can have at most {most}.", bars=length, most=LONGEST_PIECE
            )
        bars = min(LONGEST_PIECE, length + BARS_FURTHER)
        recipe = self._recipe_here(interaction, opus)
        params = self.catalogue.at(interaction.guild_id).params(opus.model.name)
        primer = reprise.rewritten(opus.text, opus.model, params)
        request = replace(
            recipe, primer=primer, melody="", rewrite="", voices=None, bars=bars, key=None, form=None, seed=None
        )
        await self.compose(interaction, request, opus)
        await self.tastes.pick(interaction.guild_id, interaction.user.id, opus)

    async def takes(self, interaction: Interaction, opus: Opus) -> None:
        """Compose several short pieces at once by the same recipe, behind its primer."""
        recipe, model = self._recipe_here(interaction, opus), opus.model
        if recipe.melody or recipe.rewrite:
            await self.compose(interaction, replace(recipe, takes=TAKES, seed=None), opus)
            return
        unit = Fraction(model.rest_unit)
        opening = score.from_text(recipe.primer, model.anchor, unit, metre_of(recipe), open_end=True)
        bars = min(LONGEST_PIECE, math.ceil(opening.bars) + BARS_OF_A_TAKE)
        request = replace(recipe, takes=TAKES, bars=bars, form=None, seed=None)
        await self.compose(interaction, request, opus)

    async def show(self, interaction: Interaction, opus: Opus) -> None:
        """Show a piece again."""
        private = await self._is_shown(interaction)
        async with self.turn(interaction, cost=opus.bars, private=private):
            take = await self.revive(opus)
            answer = await self.present(opus, take, presentation.under(opus))
        message = await self.deliver(interaction, answer, private=private)
        if not private:
            await self.films.follow(message, answer, opus, take)

    async def sheet(self, interaction: Interaction, opus: Opus) -> None:
        """Show a piece as sheet music."""
        private = await self._is_shown(interaction)
        async with self.turn(interaction, cost=opus.bars, private=private):
            engraved = await self.files.sheet(opus, titles.title(opus))
        await self.deliver(interaction, presentation.present_sheet(opus, engraved), private=private)

    async def revive(self, opus: Opus) -> Take:
        """Make the files of a piece again from what is kept of it: the same bytes."""
        request = await self._own(opus)
        try:
            model = self.recipe(opus, server=opus.server).model
        except BundleError:
            model = None
        return await self.files.take(opus, request, model)

    async def _own(self, opus: Opus) -> ComposeRequest:
        """Return what a piece is played by, whether or not its model is still there."""
        return replace(self.recipe(opus, missing_ok=True), soundfont=await self.soundfont(opus.server))

    def recipe(self, opus: Opus, *, server: int | None = None, missing_ok: bool = False) -> ComposeRequest:
        """Return a piece's request, to be asked again on a server. Raises BundleError if its model is not there."""
        path = opus.model.name if missing_ok else str(self.catalogue.at(server).path(opus.model.name))
        return replace(opus.request, model=path, takes=1)

    async def soundfont(self, server: int | None) -> str | None:
        """Return the soundfont that a server has chosen, if it is still installed, or else the bot's."""
        chosen = (await self.store.server(server)).soundfont
        installed = {path.name: path for path in await asyncio.to_thread(audio.soundfonts)}
        font = installed.get(chosen, self._soundfont) if chosen else self._soundfont
        return None if font is None else str(font)

    @asynccontextmanager
    async def turn(self, interaction: Interaction, *, cost: float, private: bool = False) -> AsyncIterator[Turn]:
        """Promise an answer, and wait for a turn. Raises as `Queue.admit` does, privately if it is known at once."""
        user = interaction.user.id
        who = Asked(
            id=interaction.id,
            user=user,
            server=interaction.guild_id or user,
            cost=cost,
            origin=promises.origin(interaction, private=private),
        )
        asked, begun, outcome = time.monotonic(), None, "done"
        try:
            await self._queue.admit(who)
            await interaction.response.defer(ephemeral=private, thinking=True)
            async with self._queue.turn(who, partial(_show_place, interaction)) as turn:
                begun = time.monotonic()
                yield turn
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            ended = time.monotonic()
            begun = ended if begun is None else begun
            kind = replies.described(interaction)
            metrics.REQUESTS.labels(kind, outcome).inc()
            metrics.WORK.labels("answer").observe(ended - begun)
            _log.info("%s: waited %.1f s, took %.1f s, %s", kind, begun - asked, ended - begun, outcome)

    async def deliver(
        self, interaction: Interaction, answer: Answer, *, private: bool = False
    ) -> discord.Message | None:
        """Send an answer in place of the one that was promised. Raises DeliveryError where Discord itself fails."""
        turn = TURN.get()
        if turn is not None:
            await turn.claim()
        with metrics.WORK.labels("deliver").time():
            return await delivery.deliver(interaction, answer, self.upload_bytes, private=private)

    def _asked(self, job: Mapping[str, Any], server: int | None) -> tuple[ComposeRequest, str | None]:
        """Return what `_job` has written: the request, and the id of the piece that it came from."""
        request: ComposeRequest = database.REQUEST.read(job["request"])
        return replace(request, model=str(self.catalogue.at(server).path(request.model))), job["parent"]

    def _recipe_here(self, interaction: Interaction, opus: Opus) -> ComposeRequest:
        return self.recipe(opus, server=interaction.guild_id)


def _begun(
    request: ComposeRequest, primer: Primer, params: Params, grows: bool
) -> tuple[ComposeRequest, tuple[Message, ...]]:
    """Let a piece begin with a primer, in its metre if the model knows metres, and say how the primer was read."""
    metre = str(primer.metre) if params.remembers and primer.metre != COMMON else None
    bars = request.bars
    if grows and bars is not None and bars - primer.bars < min(BARS_OF_A_TAKE, bars / 4):
        bars = min(LONGEST_PIECE, math.ceil(primer.bars) + BARS_OF_A_TAKE)
    words = () if primer.as_typed else primer.words
    return replace(request, primer=primer.begun, metre=request.metre or metre, bars=bars), words


def _length(opus: Opus) -> int:
    """Return a piece's length in whole bars, as musicians count them."""
    return math.ceil(score.whole_bars(opus.bars))


def _cost(request: ComposeRequest) -> float:
    """Count the bars that are written, as if with the usual effort at least."""
    return request.takes * (request.bars or LONGEST_PIECE) * max(1, request.effort / USUAL_EFFORT)


def _job(request: ComposeRequest, parent: str | None) -> dict[str, Any]:
    kept = replace(request, model=Path(request.model).name, soundfont=None)  # which each machine has elsewhere
    return {"request": database.REQUEST.write(kept), "parent": parent}


async def _show_place(interaction: Interaction, place: Place) -> None:
    """Show somebody whose turn has not come where they stand; what they asked for goes on if that fails."""
    wait = span(place.seconds)
    stand = _("You are next: about {time}.")
    if place.ahead:
        stand = ngettext(
            "1 request is ahead of you: about {time}.",
            "{count} requests are ahead of you: about {time}.",
            place.ahead,
        )
    try:
        await interaction.edit_original_response(content=stand.format(count=place.ahead, time=wait))
    except discord.HTTPException as error:
        _log.info("A place in the queue could not be shown: %s", error)
