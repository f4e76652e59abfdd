"""A piece as a piano roll: PNG bytes to post."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.drawing.canvas import BACKGROUND, FAINT, GRID, HEADER, MARGIN, PALETTE, PLOT, WIDTH, Canvas, Colour, mix
from core.errors import PictureError
from core.music import repeats
from core.music.parts import PartScore, four_parts, is_choral
from core.music.score import Score
from core.music.voices import Note, notes
from core.performing.performance import velocities

_KEYBOARD: Final = 58  # width in pixels, as all lengths
_RULER: Final = 24  # above each system, for bar numbers
_GAP: Final = 12  # below each system
_BARS_PER_SYSTEM: Final = 16
_MOST_SYSTEMS: Final = 32  # what is longer is not drawn to its end
_SEMITONES: Final = 26  # drawn at least
_ROLL_HEIGHT: Final = (520, 1200)  # of all systems: at least, and at most unless rows get too thin
_THINNEST_ROW: Final = 3.0
_COLUMNS: Final = 2  # of pieces side by side
_SMALL_ROLL: Final = 240  # the height of each

_BLACK_KEYS: Final = frozenset({1, 3, 6, 8, 10})
_BLACK_ROW: Final[Colour] = (27, 28, 35)
_BAR_LINE: Final[Colour] = (78, 82, 98)
PRIMER: Final[Colour] = (205, 209, 222)
_PRIMER_GROUND: Final[Colour] = (92, 98, 122)
_IVORY: Final[Colour] = (226, 228, 234)
_EBONY: Final[Colour] = (38, 40, 48)


@dataclass(frozen=True, slots=True)
class System:
    """Place one line of a piano roll: units from `start` until before `end`, one row for each pitch.

    Its keys reach from `keys` to the `left` of the rows, and these to the `right`; `type` is the size of bar numbers.
    """

    start: int
    end: int
    top: float
    row: float
    pitches: range
    keys: float = MARGIN
    left: float = MARGIN + _KEYBOARD
    right: float = WIDTH - MARGIN
    type: int = 13

    @property
    def bottom(self) -> float:
        """Return where the lowest row ends."""
        return self.top + self.row * len(self.pitches)

    def x(self, unit: float) -> float:
        """Return where a moment is; what lies outside is moved to the edge."""
        share = (min(max(unit, self.start), self.end) - self.start) / (self.end - self.start)
        return self.left + share * (self.right - self.left)

    def y(self, pitch: int) -> float:
        """Return the top of a pitch's row."""
        return self.top + self.row * (self.pitches[-1] - pitch)

    def box(self, pitch: int, start: float, end: float) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom of a note, with a seam before the next one."""
        left, right, top = self.x(start), self.x(end), self.y(pitch)
        seam = min(1.5, (right - left) / 4)
        return left + 0.5, top + 0.5, right - seam, top + self.row - 0.5

    def corner(self, start: float, end: float) -> float:
        """Return the radius of a note's corners."""
        return min(4.5, self.row / 3, (self.x(end) - self.x(start)) / 4)


def piano_roll(piece: Score | PartScore, *, primer_events: int = 0, title: str = "") -> bytes:
    """Draw a piece as it sounds: a colour for each voice, brighter where it is louder.

    The first `primer_events` events are grey on a lighter ground. Every 16 bars take a line of their own, up to 512.
    Raises PictureError for a score without notes.
    """
    score = _score(piece)
    if not score.events:
        raise PictureError("There are no notes to draw.")
    sounding, loud, systems = _sounding(piece), velocities(piece), _layout(score)
    canvas = Canvas(round(systems[-1].bottom + _GAP + MARGIN / 2))
    for system in systems:
        _draw_system(canvas, system, score, sounding, loud, primer_events)
        draw_keyboard(canvas, system)
    voices = sorted({min(note.voice, len(PALETTE) - 1) for note in sounding})
    legend = [("beginning", [PRIMER])] if primer_events else []
    canvas.header(title, [*legend, ("voices, from the top", [PALETTE[voice] for voice in voices])])
    return canvas.png()


def side_by_side(pieces: Sequence[Score | PartScore], captions: Sequence[str], *, primer_events: int = 0) -> bytes:
    """Draw several pieces in one picture, two in a row and numbered from 1, all on the same pitches.

    Raises PictureError for a score without notes.
    """
    scores = [_score(piece) for piece in pieces]
    ranges = [score.range for score in scores if score.events]
    if len(ranges) < len(scores):
        raise PictureError("There are no notes to draw.")
    pitches = _pitches(min(low for low, _ in ranges), max(high for _, high in ranges))
    row = max(_THINNEST_ROW, _SMALL_ROLL / len(pitches))
    width, height = (WIDTH - (_COLUMNS + 1) * MARGIN) / _COLUMNS, HEADER + _RULER + row * len(pitches)
    canvas = Canvas(round(math.ceil(len(scores) / _COLUMNS) * height + MARGIN))
    for place, (piece, score, caption) in enumerate(zip(pieces, scores, captions, strict=True)):
        left, top = MARGIN + place % _COLUMNS * (width + MARGIN), place // _COLUMNS * height
        first, end = repeats.beginning(score), repeats.ending(score)
        system = System(first, end, top + HEADER + _RULER, row, pitches, left=left, right=left + width)
        _draw_system(canvas, system, score, _sounding(piece), velocities(piece), primer_events)
        canvas.text(left, top + HEADER, str(place + 1), 40)
        canvas.text(left + 40, top + HEADER, caption, 22, FAINT)
    return canvas.png()


def _draw_system(
    canvas: Canvas,
    system: System,
    score: Score,
    sounding: Sequence[Note],
    loud: Mapping[tuple[int, int], int],
    primer_events: int,
) -> None:
    """Draw one line of a piano roll, but for its keyboard."""
    primer = score.events[primer_events].onset if primer_events < len(score.events) else score.length
    draw_grid(canvas, system, score, primer if primer_events else 0)
    last = repeats.ending(score)  # beyond which the last notes may ring
    for note in sounding:
        start, end = note.start, min(note.end, last)
        if start < system.end and end > system.start:
            colour = PRIMER if start < primer and primer_events else colour_of(note.voice)
            shade = mix(colour, BACKGROUND, brightness(loud[start, note.pitch]))
            canvas.box(*system.box(note.pitch, start, end), shade, system.corner(start, end))


def _score(piece: Score | PartScore) -> Score:
    return piece.score if isinstance(piece, PartScore) else piece


def _sounding(piece: Score | PartScore) -> Sequence[Note]:
    """Return the notes of a piece, a chorale's as its four voices sing them."""
    if isinstance(piece, Score) and is_choral(piece):
        piece = four_parts(piece)
    return [note for part in piece.parts for note in part.notes] if isinstance(piece, PartScore) else notes(piece)


def _layout(score: Score) -> list[System]:
    """Break a piece into systems of equally many bars, and find rows that leave the picture a postable height.

    A pickup stands before the first of them.
    """
    bar, first = score.units_per_bar, repeats.beginning(score)
    line = -(-first // bar) * bar  # the first one
    bars = max(1, math.ceil((repeats.ending(score) - line) / bar))
    count = math.ceil(bars / _BARS_PER_SYSTEM)
    units = math.ceil(bars / count) * bar
    pitches = _pitches(*score.range)
    rows = count * len(pitches)
    row = max(_THINNEST_ROW, min(max(_ROLL_HEIGHT[0] / len(pitches), 9), _ROLL_HEIGHT[1] / rows))
    height = row * len(pitches) + _RULER + _GAP
    tops = [HEADER + number * height + _RULER for number in range(min(count, _MOST_SYSTEMS))]
    if count == 1:
        return [System(first, repeats.ending(score), tops[0], row, pitches)]
    return [
        System(line + i * units if i else first, line + (i + 1) * units, top, row, pitches)
        for i, top in enumerate(tops)
    ]


def _pitches(lowest: int, highest: int) -> range:
    """Return what is drawn of a range of pitches: all of it, and some more around it."""
    missing = max(4, _SEMITONES - (highest - lowest + 1))
    return range(max(0, lowest - missing // 2), min(127, highest + (missing + 1) // 2) + 1)


def draw_grid(canvas: Canvas, system: System, score: Score, primer: int) -> None:
    """Draw rows, beats and bars, as far as the piece goes, and the primer's ground; a pickup's bar has no number."""
    bar, first = score.units_per_bar, repeats.beginning(score)
    end = min(system.end, repeats.ending(score))
    right = system.x(end)
    for pitch in system.pitches:
        top = system.y(pitch)
        black = pitch % 12 in _BLACK_KEYS
        for start, stop, share in ((system.start, primer, 0.4), (primer, end, 0.0)):
            ground = mix(_PRIMER_GROUND, _BLACK_ROW if black else PLOT, share)
            canvas.box(system.x(start), top, system.x(min(stop, end)), top + system.row, ground)
        if pitch % 12 == 0:
            canvas.box(system.left, top + system.row - 0.5, right, top + system.row + 0.5, GRID)
    label_every = 1 if system.x(system.start + bar) - system.left >= 34 else 4
    beats, unnumbered = score.metre.beats, -(-first // bar)  # bars: a pickup's, and those before any note
    for beat in range(math.ceil(system.start * beats / bar), end * beats // bar + 1):
        x = system.x(beat * bar / beats)
        if beat % beats:
            canvas.box(x - 0.5, system.top, x + 0.5, system.bottom, GRID)
            continue
        canvas.box(x - 0.5, system.top - 6, x + 0.5, system.bottom, _BAR_LINE)
        number = beat // beats - unnumbered
        if beat * bar < end * beats and number >= 0 and number % label_every == 0:
            canvas.text(x + 5, system.top - 6, str(number + 1), system.type, FAINT)


def colour_of(voice: int) -> Colour:
    """Return the colour of a voice, counted from the top."""
    return PALETTE[min(voice, len(PALETTE) - 1)]


def brightness(velocity: int) -> float:
    """Return which share of its colour a note has."""
    return min(1.0, 0.62 + 0.38 * (velocity - 56) / 28)


def draw_keyboard(canvas: Canvas, system: System) -> None:
    """Draw the keys that the rows belong to, and name the Cs."""
    left, right = system.keys, system.left - 4
    canvas.box(left, system.top, right, system.bottom, _IVORY, 3)
    for pitch in system.pitches:
        top, bottom = system.y(pitch), system.y(pitch) + system.row
        middle = (top + bottom) / 2
        if pitch % 12 in _BLACK_KEYS:
            canvas.box(left, middle - 0.5, right, middle + 0.5, FAINT)  # where the two white keys beside it meet
            canvas.box(left, top + 0.5, left + 0.6 * (right - left), bottom - 0.5, _EBONY, min(2, system.row / 4))
        elif pitch % 12 in (0, 5):
            canvas.box(left, bottom - 0.5, right, bottom + 0.5, FAINT)
        if pitch % 12 == 0:
            canvas.text(right - 4, middle, f"C{pitch // 12 - 1}", min(13, max(9, round(system.row))), _EBONY, "rm")
