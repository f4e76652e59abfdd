"""Rewriting: some bars of a piece are written anew, between what stands before them and what comes after.

A model writes from left to right, so what it writes knows nothing of what follows. Many candidates are therefore
written behind what stands before, and each is judged by how likely the model then finds what comes after. For

    p(new | before, after) is proportional to p(new | before) * p(after | before, new),

and candidates are drawn by the first and weighed by the second: importance resampling (Rubin 1987). Then the second
half, and the last bar, which leads over, are written in further ways behind the best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.composing import form
from core.composing.sampling import LONGEST_PIECE, Drafts, Options, Stream
from core.model import frames
from core.model.stepping import Stepper, Walk
from core.model.told import Section, Told
from core.music import bars, score
from core.music.bars import Bars
from core.music.notation import BOUNDARY
from core.music.score import Event, Score

CANDIDATES: Final = 4  # for each unit of effort
LEADING: Final = 4  # of the best, to which other ways to lead over are found
HORIZON: Final = 4  # bars behind by which candidates are judged

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Hold a piece with bars that are new; `nats` is what a token of what follows costs behind them."""

    piece: Score
    nats: float


def rewrite(
    model: Stepper,
    piece: Score,
    what: Bars,
    options: Options,
    effort: int,
    phrases: Sequence[int] = (),
    *,
    candidates: int | None = None,
) -> tuple[Rewritten, ...]:
    """Write bars of a piece anew, in as many takes as are asked for, which differ; the best comes first.

    What repeats these bars note for note is rewritten like them. `phrases` are the units at which phrases end, if that
    is known; without leading over, `candidates` are as many as are written. The same arguments give the same bars.
    Raises RequestError.
    """
    start, end = _first_copy(piece, *bars.place(piece, what))
    end = bars.next_onset(piece, end)
    search = _Search(model, piece, _told(piece, start, end, phrases), options, start, end)
    search.begin(candidates or CANDIDATES * effort)
    for line in () if candidates else search.later:
        search.lead_over(line, CANDIDATES * effort)
    old, found = _inside(piece, start, end), dict[tuple[Event, ...], float]()
    for nats, stream in sorted(search.found, key=lambda each: each[0]):
        new = _inside(score.from_ids(stream.ids, model.params.anchor, piece.unit, piece.metre), start, end)
        if new != old:
            found.setdefault(new, nats)
    if not found:  # the model knows no other way
        found[old] = min(nats for nats, _ in search.found)
    takes = list(found.items())[: options.takes]
    return tuple(Rewritten(_replaced(piece, start, end, new), nats) for new, nats in takes)


def cost(model: Stepper, piece: Score, what: Bars, phrases: Sequence[int] = ()) -> float:
    """Return what a token of what follows costs behind bars as they are, in nats. Raises RequestError."""
    start, end = bars.place(piece, what)
    end = bars.next_onset(piece, end)
    search = _Search(model, piece, _told(piece, start, end, phrases), Options(), end, end)
    return float(_followed(search.opening, search.following)[0])


def is_repeated(piece: Score, what: Bars) -> bool:
    """Tell whether bars stand in a piece again, note for note. Raises RequestError."""
    return len(_copies(piece, *bars.place(piece, what))) > 1


def _inside(piece: Score, start: int, end: int) -> tuple[Event, ...]:
    """Return the events of a passage, with onsets from its start."""
    return tuple(Event(event.onset - start, event.pitches) for event in piece.events if start <= event.onset < end)


def _copies(piece: Score, start: int, end: int) -> list[int]:
    """Return where a passage stands note for note, from bar line to bar line, the passage itself among it."""
    bar, inside = piece.units_per_bar, _inside(piece, start, end)
    found = [start]
    if not inside or (end - start) % bar:
        return found
    for at in range(start % bar, piece.length - (end - start) + 1, bar):
        apart = all(abs(at - other) >= end - start for other in found)
        if apart and _inside(piece, at, at + end - start) == inside:
            found.append(at)
    return found


def _first_copy(piece: Score, start: int, end: int) -> tuple[int, int]:
    """Return where a passage is heard first: what comes again is told to be a repeat, and would be written as one."""
    first = min(_copies(piece, start, end))
    return first, first + end - start


def _replaced(piece: Score, start: int, end: int, new: tuple[Event, ...]) -> Score:
    """Put new events where a passage stands, wherever it stands note for note."""
    events = {event.onset: event for event in piece.events}
    for at in _copies(piece, start, end):
        events = {onset: event for onset, event in events.items() if not at <= onset < at + end - start}
        events.update({at + event.onset: Event(at + event.onset, event.pitches) for event in new})
    return replace(piece, events=tuple(events[onset] for onset in sorted(events)))


def _told(piece: Score, start: int, end: int, phrases: Sequence[int]) -> Told:
    """Return what is told of a piece of which a passage is new: it repeats nothing."""
    told = form.read(piece, phrases)
    plan = tuple(
        Section(section.start, section.end, "new")
        if section.source is not None and section.start < end and start < section.end
        else section
        for section in told.plan
    )
    return replace(told, plan=plan)


@dataclass(frozen=True, slots=True)
class _Way:
    """Hold how a candidate stood at each bar line, from which others can go on."""

    at: Mapping[int, Drafts]


class _Search:
    """Write many ways to go on, judge them, and lead the best over anew."""

    def __init__(self, model: Stepper, piece: Score, told: Told, options: Options, start: int, end: int) -> None:
        self._start, self._end, self._seed, self._stage = start, end, options.seed, 0
        before = replace(piece, events=tuple(event for event in piece.events if event.onset < start), length=start)
        given = [BOUNDARY, *score.to_ids(before, model.params.anchor)]
        whole = replace(options, bars=LONGEST_PIECE)  # so that no model ends a piece here
        stream = Stream(model.params, whole, told, given, np.random.default_rng([options.seed, 0]))
        stream.limit = end
        self.opening = Drafts(model, [stream])
        if start:
            self.opening.play(start)
        bar = piece.units_per_bar
        self._lines = range(start - start % bar + bar, end, bar)
        self.following = _following(piece, end, model)
        self.found: list[tuple[float, Stream]] = []
        self._ways: list[_Way] = []

    @property
    def later(self) -> list[int]:
        """Return the bar lines at which the second half and the last bar begin."""
        return sorted({self._lines[len(self._lines) // 2], self._lines[-1]}) if self._lines else []

    def begin(self, width: int) -> None:
        """Write from the beginning."""
        self._go_on([_Way({self._start: self.opening})] * width, self._start)

    def lead_over(self, line: int, width: int) -> None:
        """Write anew from a bar line on, behind the best that were found."""
        best = sorted(range(len(self.found)), key=lambda place: self.found[place][0])[:LEADING]
        self._go_on([self._ways[place] for place in best for _ in range(width // len(best))], line)

    def _go_on(self, ways: Sequence[_Way], at: int) -> None:
        self._stage += 1
        sources = [way.at[at] for way in ways]
        streams = [
            source.streams[0].copy(np.random.default_rng([self._seed, self._stage, place]))
            for place, source in enumerate(sources)
        ]
        logits = np.concatenate([source.logits for source in sources])
        states = np.concatenate([source.states for source in sources], axis=1)
        drafts = Drafts(self.opening.model, streams, logits, states)
        known = [{line: stood for line, stood in way.at.items() if line <= at} for way in ways]
        for line in self._lines:
            if line > at:
                drafts.play(line)
                for row, lines in enumerate(known):
                    lines[line] = drafts.pick([row], [drafts.streams[row].chance])
        drafts.play(self._end)
        self.found += zip(_followed(drafts, self.following).tolist(), drafts.streams, strict=True)
        self._ways += map(_Way, known)


def _following(piece: Score, end: int, model: Stepper) -> list[int]:
    """Return the tokens by which candidates are judged: some bars of what follows, or the end of the piece."""
    after = [event for event in piece.events if event.onset >= end]
    limit = end + HORIZON * piece.units_per_bar
    near = tuple(Event(event.onset - end, event.pitches) for event in after if event.onset < limit)
    length = min((event.onset for event in after if event.onset >= limit), default=piece.length) - end
    ids = score.to_ids(replace(piece, events=near, length=length), model.params.anchor)
    return ids if near and near[-1].onset + end < after[-1].onset else [*ids, BOUNDARY]


def _followed(drafts: Drafts, ids: Sequence[int]) -> Floats:
    """Return what a token of what follows costs behind each draft, in nats."""
    logits, walk = drafts.logits, Walk(drafts.model, drafts.states.copy())
    listeners = [stream.listener.copy() for stream in drafts.streams]
    nats = np.zeros(len(listeners))
    for at, token in enumerate(ids):
        exact = logits.astype(np.float64)
        nats += np.logaddexp.reduce(exact, axis=1) - exact[:, token]
        if at < len(ids) - 1:
            logits = walk.step(frames.hear(listeners, [token] * len(listeners)))
    return nats / len(ids)
