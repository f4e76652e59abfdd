"""What a model's music is like, in one sentence for somebody who knows music and no models."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from core.composing import form
from core.composing.critic import FIGURES, Critic, critic
from core.composing.form import Habits
from core.errors import Message, mark
from core.music import keys

SHORT: Final = 20  # bars that most short pieces have, at most
LONG: Final = 64  # and most long ones, at least
OFTEN: Final = 0.15  # share of the pieces from which on a key or a metre is named
MOSTLY: Final = 0.5  # share of them that keys have together to be those in which most pieces are
BUSY: Final = 4.0  # notes in four quarters from which on one dances to a tune

_TUNES: Final = (mark("tunes"), mark("Tunes"))
_DANCES: Final = (mark("dance tunes"), mark("Dance tunes"))
_TEXTURES: Final = (  # from so many notes at a time on
    (1.15, (mark("tunes with a few notes beside them"), mark("Tunes with a few notes beside them"))),
    (1.6, (mark("pieces in two or three voices"), mark("Pieces in two or three voices"))),
    (2.6, (mark("pieces in four voices"), mark("Pieces in four voices"))),
    (4.5, (mark("pieces in full chords"), mark("Pieces in full chords"))),
)
_AND: Final = {
    2: mark("{first} and {second}", first="", second="").template,
    3: mark("{first}, {second} and {third}", first="", second="", third="").template,
}


def sentence(habits: Mapping[str, Any]) -> Message | None:
    """Say what the pieces are like that a model was trained on; None where it does not know. Raises BundleError."""
    judge, known = critic(habits), form.habits(habits)
    if judge is None or not len(judge.bars) or not known.shapes or not known.homes:
        return None
    what, metres, where = _pieces(judge, known), _metres(known), _keys(known)
    if (habit := _habit(judge, known)) is None:
        return mark("{pieces} in {metres}, {keys}.", pieces=what, metres=metres, keys=where)
    return mark("{pieces} in {metres}, {keys}, which {habit}.", pieces=what, metres=metres, keys=where, habit=habit)


def _pieces(judge: Critic, known: Habits) -> Message:
    """Say how long pieces are, and for how many voices."""
    at_a_time, kind = _mean(judge, "notes an event"), _TUNES
    if _mean(judge, "events a bar") >= BUSY and _share(known, _says_twice) >= MOSTLY:
        kind = _DANCES
    for least, name in _TEXTURES:
        kind = name if at_a_time >= least else kind
    bars = float(np.median(judge.bars))
    if bars <= SHORT:
        return mark("Short {pieces}", pieces=kind[0])
    return mark("Long {pieces}", pieces=kind[0]) if bars >= LONG else kind[1]


def _metres(known: Habits) -> Message:
    counts = Counter[str]()
    for shape, count in known.shapes.items():
        counts[str(shape.metre)] += count
    return _listed([Message(metre) for metre in _often(counts)])


def _keys(known: Habits) -> Message:
    counts = Counter({keys.KEYS[tonic + 12 * mode]: count for (tonic, mode), count in known.homes.items()})
    often = _often(counts)
    if sum(counts[key] for key in often) >= MOSTLY * counts.total():
        return mark("mostly in {keys}", keys=_listed([Message(key) for key in often]))
    return mark("in many keys")


def _habit(judge: Critic, known: Habits) -> Message | None:
    """Say how they come back to what they have said, if they do so in a way of their own."""
    if _share(known, _says_twice) >= MOSTLY:
        return mark("like to repeat their first part")
    if _share(known, _comes_back) >= MOSTLY:
        return mark("like to come back to how they began")
    returning = _mean(judge, "bars that return")
    if returning >= 0.4:
        return mark("like to say things again")
    return mark("seldom say a thing twice") if returning <= 0.1 else None


def _says_twice(shape: form.Shape) -> bool:
    return [kind for _, kind, _ in shape.sections[:2]] == ["stated", "repeated"]


def _comes_back(shape: form.Shape) -> bool:
    return any(kind == "returning" and source == 0 for _, kind, source in shape.sections)


def _share(known: Habits, holds: Any) -> float:
    return sum(count for shape, count in known.shapes.items() if holds(shape)) / sum(known.shapes.values())


def _mean(judge: Critic, name: str) -> float:
    return float(np.nanmean(judge.figures[:, list(FIGURES).index(name)]))


def _often(counts: Counter[str]) -> list[str]:
    """Return what is counted often, three at most, and in any case what is counted most."""
    most = counts.most_common(max(_AND))
    return [name for place, (name, count) in enumerate(most) if not place or count >= OFTEN * counts.total()]


def _listed(names: list[Message]) -> Message:
    if len(names) == 1:
        return names[0]
    return Message(_AND[len(names)], dict(zip(("first", "second", "third"), names, strict=False)))
