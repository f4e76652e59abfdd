"""What a reader hands on: a piece as it is printed; and as it is played, before it is rounded to rest units."""

import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from fractions import Fraction
from itertools import islice
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import Message, ReadingError, mark
from core.music import grid, notation
from core.music.metre import COMMON, Metre, is_metre
from core.music.notation import Anchor
from core.music.score import Score, from_ids

TICKS: Final = 10_080  # a quarter note in the formats without ticks: 7th, 5th and 128th notes are whole numbers
LONGEST_SILENCE: Final = 16  # units


@dataclass(frozen=True, slots=True)
class Budget:
    """Say how much of a file may be read; notes, quarters and seconds are of one piece."""

    file_bytes: int = 1 << 20
    unpacked_bytes: int = 16 << 20  # of a compressed score
    tracks: int = 64
    notes: int = 20_000
    quarters: int = 4_096
    seconds: int = 600  # of music, at the tempos of the file
    tunes: int = 2_000  # of a book; O'Neill's Music of Ireland has 1,850


Sign = Literal["opens", "section", "segno", "coda", "to coda", "fine", "da capo", "dal segno"]


@dataclass(frozen=True, slots=True)
class Bar:
    """Place a printed bar, in ticks, and hold its time signature and the signs that say in which order bars are played.

    It is played in turns `endings` of its section, or in all; at its end the section has been played `times` times, if
    that is not 0. The first four signs stand at its start, `section` where no sign opens a repeat.
    """

    start: int
    end: int
    signature: str = "4/4"
    signs: tuple[Sign, ...] = ()
    endings: tuple[int, ...] = ()
    times: int = 0

    @property
    def length(self) -> int:
        """Return how many ticks it lasts."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, eq=False)
class Printed:
    """Hold the notes of a piece as they are printed, in ticks, and its bars, at least one, without gaps.

    `length` is where the last note stops sounding; where nothing says what its bars are, a bar can be a whole passage.
    `names` are those of the parts, empty where a part has none, and `fermatas` are ticks.
    Before both were put right, all of it was `late` by so many ticks, and its off-beats stood at `swing` of a quarter,
    if that is not 0. `tempo` is what its marks say, in quarters a minute, 0 where there are none. It is `free` if it
    was recorded, and pays no heed to the beats of its file; what is notated never is, whatever tuplets it is made of.
    """

    title: str
    onsets: NDArray[np.int64]  # (notes,) ticks, ascending
    pitches: NDArray[np.int16]  # (notes,) MIDI numbers, ascending at one onset
    lengths: NDArray[np.int64]  # (notes,) ticks for which each sounds, ties included
    parts: NDArray[np.int16]  # (notes,) the part, or track, of each
    ticks_per_quarter: int
    length: int
    bars: tuple[Bar, ...]
    names: tuple[str, ...] = ()
    fermatas: tuple[int, ...] = ()
    late: int = 0
    swing: float = 0
    tempo: float = 0
    free: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Hold the notes of a piece as they are played, in ticks.

    `length` is where the last note stops sounding, `metre` that in which its bars are counted, from 0 on; repeats were
    written out if it `has_repeats`; of its time the share `odd` was in other metres and is left out. `late`, `swing`
    and `tempo` are the printed piece's. `phrases` are the ticks at which phrases end, ascending; none where nothing
    says so.
    """

    title: str
    onsets: NDArray[np.int64]  # (notes,) ticks, ascending
    pitches: NDArray[np.int16]  # (notes,) MIDI numbers, ascending at one onset
    ticks_per_quarter: int
    length: int
    metre: Metre = COMMON
    has_repeats: bool = False
    odd: float = 0
    late: int = 0
    swing: float = 0
    tempo: float = 0
    phrases: tuple[int, ...] = ()

    def on_grid(self, unit: Fraction) -> float:
        """Return the share of notes that start on the grid of `unit` quarters, or within its tolerance."""
        return float(grid.near(self.onsets, float(unit * self.ticks_per_quarter)).mean())

    def score(self, unit: Fraction) -> Score:
        """Round onsets to the unit, flatten all parts into events, and cap silences at 16 units."""
        return from_ids(self.ids(unit).tolist(), "lowest", unit, self.metre)

    def ids(self, unit: Fraction, anchor: Anchor = "lowest") -> NDArray[np.int64]:
        """Do what `score` does, and write the score in the notation; a thousand pieces a second."""
        upwards = anchor == "lowest"
        names = self.pitches if upwards else 127 - self.pitches  # so that the first of an event is its anchor
        onsets, names = np.divmod(np.unique(self._units(self.onsets, unit) * 128 + names), 128)
        starts = np.flatnonzero(np.diff(onsets, prepend=-1))
        counts = np.diff(starts, append=len(onsets))  # (events,) notes of each
        bases = names[starts]
        sounding = names - np.repeat(bases, counts) + notation.INTERVALS.start - 1
        sounding[starts] = notation.NOTES.start + (bases if upwards else 127 - bases)
        silence = self._units(np.array([self.length]), unit) - self._units(self.onsets[-1:], unit)
        gaps = np.concatenate([onsets[:1], np.diff(onsets[starts]), np.maximum(silence, 1)])
        gaps = np.minimum(gaps, LONGEST_SILENCE)  # (1 + events,) units before the first event and behind each
        fours, rest = np.divmod(gaps, notation.LONGEST_REST)
        rests = fours + (rest > 0)  # (1 + events,) tokens
        ends = np.cumsum(rests + np.concatenate([[0], counts]))
        ids = np.full(ends[-1], notation.RESTS[-1], np.int64)
        ids[(ends - 1)[rest > 0]] = notation.RESTS.start - 1 + rest[rest > 0]
        event = np.repeat(np.arange(len(starts)), counts)
        ids[ends[:-1][event] + np.arange(len(onsets)) - starts[event]] = sounding
        return ids

    def phrase_ends(self, unit: Fraction) -> tuple[int, ...]:
        """Return the units at which phrases end, in the score that `ids` writes."""
        if not self.phrases:
            return ()
        onsets, ends = np.unique(self._units(self.onsets, unit)), self._units(np.array(self.phrases), unit)
        events = np.searchsorted(onsets, ends) - 1  # the latest one that begins before each end
        gaps = np.diff(onsets, prepend=0)
        onset = np.cumsum(np.minimum(gaps, LONGEST_SILENCE))[events]
        written = onset + np.minimum(ends - onsets[events], LONGEST_SILENCE)
        return tuple(np.unique(written[events >= 0]).tolist())

    def _units(self, ticks: NDArray[np.int64], unit: Fraction) -> NDArray[np.int64]:
        """Round to the nearest unit, halves up."""
        whole = 2 * self.ticks_per_quarter * unit.numerator
        return (2 * ticks * unit.denominator + whole // 2) // whole


@dataclass(frozen=True, slots=True)
class Refusal:
    """Name a piece of a file that was left out, and say why."""

    title: str
    error: ReadingError


@dataclass(frozen=True, slots=True)
class Reading:
    """Hold what a file gave: its pieces, at least one, and those that had to be left out."""

    pieces: tuple[Printed, ...]
    refusals: tuple[Refusal, ...] = ()

    def pack(self) -> bytes:
        """Write the reading as bytes that need no trust to be read back: a line of JSON, then arrays, compressed."""
        header = {
            "pieces": [
                [
                    *(p.title, len(p.onsets), p.ticks_per_quarter, p.length, len(p.bars)),
                    *(p.names, p.fermatas, p.late, p.swing, p.tempo, p.free),
                ]
                for p in self.pieces
            ],
            "bars": [astuple(bar) for p in self.pieces for bar in p.bars],
            "refusals": [[refusal.title, refusal.error.as_json()] for refusal in self.refusals],
        }
        arrays = [
            packed
            for p in self.pieces
            for packed in (
                p.onsets.astype("<i8").tobytes(),
                p.pitches.astype("<i2").tobytes(),
                p.lengths.astype("<i8").tobytes(),
                p.parts.astype("<i2").tobytes(),
            )
        ]
        return zlib.compress(json.dumps(header).encode() + b"\n" + b"".join(arrays), 1)


def unpack(data: bytes) -> Reading:
    """Read back what `Reading.pack` wrote. Raises ValueError for anything else."""
    try:
        header, _, rest = zlib.decompress(data).partition(b"\n")
        document = json.loads(header)
        bars = iter(document["bars"])
        pieces, place = list[Printed](), 0
        for title, notes, ticks_per_quarter, length, count, names, fermatas, *moved in document["pieces"]:
            onsets = np.frombuffer(rest, "<i8", notes, place).astype(np.int64)
            pitches = np.frombuffer(rest, "<i2", notes, place + 8 * notes).astype(np.int16)
            lengths = np.frombuffer(rest, "<i8", notes, place + 10 * notes).astype(np.int64)
            parts = np.frombuffer(rest, "<i2", notes, place + 18 * notes).astype(np.int16)
            place += 20 * notes
            own = tuple(
                Bar(start, end, signature, tuple(signs), tuple(endings), times)
                for start, end, signature, signs, endings, times in islice(bars, count)
            )
            columns = onsets, pitches, lengths, parts
            pieces.append(
                Printed(title, *columns, ticks_per_quarter, length, own, tuple(names), tuple(fermatas), *moved)
            )
        refusals = tuple(Refusal(title, ReadingError.parse(error)) for title, error in document["refusals"])
        return Reading(tuple(pieces), refusals)
    except (zlib.error, KeyError, TypeError, OverflowError) as error:
        raise ValueError("not a packed reading") from error


def printed(
    title: str,
    notes: Sequence[tuple[int, ...]],
    length: int,
    bars: tuple[Bar, ...],
    ticks_per_quarter: int = TICKS,
    names: tuple[str, ...] = (),
    fermatas: tuple[int, ...] = (),
    tempo: float = 0,
) -> Printed:
    """Make a piece of notes in any order: (onset, pitch), or (onset, pitch, length, part)."""
    table = np.array(sorted((*note, 0, 0)[:4] for note in notes), np.int64).reshape(-1, 4)
    onsets, pitches, lengths, parts = table.T
    columns = onsets, pitches.astype(np.int16), lengths, parts.astype(np.int16)
    return Printed(title, *columns, ticks_per_quarter, length, bars, names, fermatas, tempo=tempo)


def clean_title(title: str, most: int = 120) -> str:
    """Make one printable line of a title that a file claims, `most` characters at most."""
    printable = "".join(character if character.isprintable() else " " for character in title)
    return " ".join(printable.split())[:most]


def not_among(name: str, metres: str) -> ReadingError:
    """Make the refusal of a piece in a metre that was not asked for, or that is none."""
    kind = mark("metre {name}", name=name) if re.fullmatch(r"[\d+]{1,5}/\d{1,3}", name) else mark("metre")
    if metres == "2,4" and is_metre(name):
        return ReadingError("The piece is in {name}; only pieces in two or four are read.", kind, name=name)
    if metres == "all" or not is_metre(name):
        return ReadingError("The piece is in {name}, in which bars cannot be counted.", kind, name=name)
    return ReadingError("The piece is in {name}; only pieces in {metres} are read.", kind, name=name, metres=metres)


def too_odd(name: str, share: float) -> ReadingError:
    """Make the refusal of a piece that is in another metre for too much of its time."""
    return ReadingError(
        "The piece is in {name} for {share:.0%} of its time, and not in the metre of the rest. Cut it into parts.",
        mark("metre {name}", name=name),
        name=name,
        share=share,
    )


def too_many(what: Message, count: int, limit: int) -> ReadingError:
    """Make the refusal of a piece with more notes, tracks or other things than the budget has."""
    return ReadingError(
        "There are {count:,} {what}; at most {most:,} are read. Choose a shorter piece, or cut it.",
        mark("too many {what}", what=what),
        count=count,
        what=what,
        most=limit,
    )


def too_long(quarters: float, budget: Budget) -> ReadingError:
    """Make the refusal of a piece with more quarter notes than the budget has."""
    return ReadingError(
        "The piece lasts {quarters:,.0f} quarter notes; at most {most:,} are read. Cut it into parts.",
        mark("too long"),
        quarters=quarters,
        most=budget.quarters,
    )


def too_slow(seconds: float, budget: Budget) -> ReadingError:
    """Make the refusal of a piece that sounds longer than the budget has."""
    return ReadingError(
        "The piece lasts {minutes:,.0f} minutes; at most {most:.0f} are read. Cut it into parts.",
        mark("too long"),
        minutes=seconds / 60,
        most=budget.seconds / 60,
    )


def damaged(what: str | Message, how: Message) -> ReadingError:
    """Make the refusal of a file that is not what its format asks for."""
    return ReadingError("This {what} file is damaged: {how}. Export or download it again.", what=what, how=how)
