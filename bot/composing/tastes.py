"""What the members of each server like: their choices, noted as votes, and the taste that these make."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.database.store import Opus, Store
from bot.database.votes import Choice, Kind
from bot.models.catalogue import Catalogue
from core.composing import recipe, taste
from core.composing.taste import Taste, Vote
from core.errors import CadenzaError

FEWEST: Final = 5  # votes of a server before its taste leans on anything
SEEN: Final = 3  # of a showcase, that somebody who likes a piece has seen too
WEIGHTS: Final[Mapping[Kind, float]] = {"like": 1.0, "pick": 1.0, "delete": 0.5, "again": 0.25}
MOST_OF_ONE: Final = 20.0  # that the votes of one member weigh together, so that nobody is the taste of all

_log = logging.getLogger(__name__)


class Tastes:
    """Note what members choose, and know what their server likes.

    A choice that cannot be noted is let go, since whoever made it wanted something else.
    """

    def __init__(self, catalogue: Catalogue, store: Store) -> None:
        self._catalogue, self._store = catalogue, store
        self._known: dict[int, tuple[tuple[int, datetime | None], Taste]] = {}

    async def of(self, server: int | None) -> Taste:
        """Return what is liked on a server: nothing, where too few have chosen, or nobody wants it learned."""
        if server is None or (await self._store.server(server)).taste is False:
            return Taste()
        stamp = await self._store.votes.stamp(server)
        if stamp[0] < FEWEST:
            return Taste()
        known = self._known.get(server)
        if known is None or known[0] != stamp:
            choices = await self._store.votes.of(server)
            known = self._known[server] = stamp, await asyncio.to_thread(learned, choices)
        return known[1]

    async def like(self, server: int | None, user: int, opus: Opus) -> None:
        """Note that somebody likes a piece, or no longer."""
        try:
            if server is not None and not await self._store.likes_it(opus.id, user):
                await self._store.votes.take_back(server, user, "like", opus.id)
                return
            others = () if server is None else await self._store.not_liked(server, user, SEEN)
            alike = [other for other in others if other.model == opus.model]  # whose figures can be compared
            await self._note(server, user, "like", opus, (opus,), alike)
        except CadenzaError as error:
            _log.info("A like could not be noted: %s", error)

    async def pick(self, server: int | None, user: int, opus: Opus) -> None:
        """Note that somebody goes on with a piece, if it was one of several takes."""
        try:
            takes = await self._store.takes_with(opus) if opus.request.takes > 1 else ()
            if others := [take for take in takes if take.id != opus.id]:
                await self._note(server, user, "pick", opus, (opus,), others)
        except CadenzaError as error:
            _log.info("A pick could not be noted: %s", error)

    async def pass_over(self, server: int | None, user: int, kind: Kind, opus: Opus) -> None:
        """Note that somebody deletes a piece, or wants another one in its place."""
        try:
            await self._note(server, user, kind, opus, (), (opus,))
        except CadenzaError as error:
            _log.info("A choice could not be noted: %s", error)

    async def _note(
        self, server: int | None, user: int, kind: Kind, opus: Opus, liked: Sequence[Opus], others: Sequence[Opus]
    ) -> None:
        if server is None or (await self._store.server(server)).taste is False:
            return
        params = self._catalogue.at(server).params(opus.model.name)
        pieces = [(each.text, each.request, each.model) for each in (*liked, *others)]
        figures = [taste.as_json(each) for each in await asyncio.to_thread(recipe.likings, pieces, params)]
        if None in figures:  # the model does not know what is usual
            return
        known = [each for each in figures if each is not None]
        chosen = Choice(
            server=server,
            user=user,
            kind=kind,
            opus=opus.id,
            liked=known[0] if liked else None,
            others=known[len(liked) :],
        )
        await self._store.votes.add(chosen)


def learned(choices: Sequence[Choice]) -> Taste:
    """Learn a taste from votes; the average piece is that of those which were voted on."""
    weights = defaultdict[int, float](float)
    for choice in choices:
        weights[choice.user] += WEIGHTS[choice.kind]
    votes = []
    for choice in choices:
        share = WEIGHTS[choice.kind] * min(1.0, MOST_OF_ONE / weights[choice.user])
        others = [taste.read(each) for each in choice.others] or [None]
        votes += [Vote(taste.read(choice.liked), each, share / len(others)) for each in others]
    return taste.fit(taste.centred(votes))
