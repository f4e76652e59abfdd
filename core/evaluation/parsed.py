"""The pieces that a model is measured on: those of its own notes that were held out, or others that it has not met."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.composing import form
from core.corpus.families import find_families
from core.errors import CorpusError, NotationError
from core.model.bundle import Bundle, Params
from core.model.notes import Notes
from core.model.told import Told
from core.music import notation, repetition, score
from core.music.metre import COMMON, Metre
from core.music.notation import Anchor
from core.music.score import Event, Score

Ids = Sequence[int]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Parsed:
    """Hold a parsed piece, the metre in which its bars are counted, and the units at which known phrases end."""

    ids: Ids
    metre: Metre = COMMON
    phrases: tuple[int, ...] = ()


def parse(notes: Notes) -> list[Parsed]:
    """Read the notation of parsed pieces. Raises CorpusError."""
    pieces = []
    for entry in notes.pieces:
        try:
            pieces.append(Parsed(notation.parse(entry.text, notes.anchor), entry.metre, entry.phrases))
        except NotationError as error:
            raise CorpusError(
                "The parsed notes of {title} are damaged. {error}", title=entry.title, error=error
            ) from None
    return pieces


def held_out(bundle: Bundle, notes: Notes) -> tuple[list[Parsed], list[Parsed]]:
    """Return a model's held-out pieces and those that it was trained on. Raises CorpusError."""
    places = bundle.params.training.get("held_out")
    total = len(notes.pieces)
    if not isinstance(places, list) or not all(isinstance(place, int) and 0 <= place < total for place in places):
        raise CorpusError(
            "{model} does not say which pieces were held out of its training; name a FOLDER of pieces that it was not"
            " trained on.",
            model=bundle.name,
        )
    pieces, apart = parse(notes), set(places)
    return [pieces[place] for place in sorted(apart)], [each for place, each in enumerate(pieces) if place not in apart]


def unseen(pieces: Sequence[Parsed], trained_on: Sequence[Parsed], anchor: Anchor) -> list[Parsed]:
    """Return the pieces of which no version was trained on."""
    families = find_families([notation.text(piece.ids) for piece in (*trained_on, *pieces)], anchor)[len(trained_on) :]
    return [piece for piece, family in zip(pieces, families, strict=True) if family >= len(trained_on)]


def told(piece: Parsed, params: Params) -> Told:
    """Return all that can be told of a piece."""
    return form.read(score_of(piece, params), piece.phrases)


def score_of(piece: Parsed, params: Params) -> Score:
    """Return a piece as a score."""
    return score.from_ids(piece.ids, params.anchor, params.unit, piece.metre)


def beginning(piece: Score, bars: int) -> Score:
    """Return so many bars of a piece, from the one in which it begins."""
    bar = piece.units_per_bar
    start = piece.events[0].onset // bar * bar
    end = min(start + bars * bar, piece.length)
    events = tuple(Event(event.onset - start, event.pitches) for event in piece.events if event.onset < end)
    return replace(piece, events=events, length=end - start)


def in_returning_bars(piece: Parsed, params: Params) -> Mask:
    """Tell which tokens stand in a bar that is an earlier bar, note for note; the boundary stands in none."""
    returning = np.array(repetition.returning(score_of(piece, params)), np.bool_)
    bar, now = piece.metre.counted.units(params.unit), 0
    places = []
    for token in piece.ids:
        places.append(now // bar)
        now += notation.rest_units(token) if token in notation.RESTS else 0
    return returning[places]
