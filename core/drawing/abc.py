"""Tunes in ABC, the text that folk musicians write and paste into archives (abcnotation.com, standard 2.1)."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

from core.drawing.staves import QUARTER, Bar, Measure, Symbol, Written, bar_length
from core.music.harmony import Chord
from core.music.spelling import STEPS, Head, Tonality, spell

_BARS_A_LINE: Final = 4
_SIGNS: Final = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}
_NAMES: Final = {-1: "b", 0: "", 1: "#"}
_SUFFIXES: Final = {"major": "", "minor": "m", "seventh": "7"}


def tune(
    written: Written, *, title: str, composer: str, rhythm: str, tempo: float, symbols: Mapping[int, Chord]
) -> bytes:
    """Write what stands on one staff as a tune; `symbols` are chords by the sixteenth at which they begin.

    `rhythm` is the kind of dance, by which archives sort; empty for none.
    """
    beat = written.metre.beat if written.metre.is_compound else Fraction(1)
    [staff] = written.staves
    notes = [symbol for bar in staff.bars for voice in bar for symbol in voice]
    unit = 2 if 2 * sum(symbol.value % 2 for symbol in notes) < len(notes) else 1  # sixteenths
    header = [
        "X:1",
        f"T:{title or 'Tune'}",
        *([f"C:{composer}"] if composer else []),
        *([f"R:{rhythm}"] if rhythm else []),
        f"M:{written.metre}",
        f"L:1/{4 * QUARTER // unit}",
        f"Q:{beat / 4}={round(tempo / float(beat))}",
        f"K:{_key(written.tonality)}",
    ]
    return "\n".join([*header, *_lines(staff.bars, written, symbols, unit), ""]).encode()


def _key(key: Tonality) -> str:
    """Name a signature by the major or minor key that has it."""
    fifths = key.sharps + (3 if key.mode == "minor" else 0) + 1
    return STEPS[fifths % 7] + _NAMES[fifths // 7] + ("m" if key.mode == "minor" else "")


def _lines(bars: tuple[Bar, ...], written: Written, symbols: Mapping[int, Chord], unit: int) -> Iterator[str]:
    line, full = "", 0
    for place, (bar, measure) in enumerate(zip(bars, written.measures, strict=True)):
        before = written.measures[place - 1] if place else None
        after = written.measures[place + 1] if place + 1 < len(bars) else None
        if measure.opens:
            line += "|:"
        if measure.ending and (before is None or before.ending != measure.ending):
            line += f"[{measure.ending} "
        line += " ".join(_groups(bar, measure, written, symbols, unit))
        line += _bar_line(measure, after)
        full += measure.length == bar_length(written.metre)
        if full >= _BARS_A_LINE or measure.closes or after is None:
            yield line
            line, full = "", 0
        elif not (after.ending and after.ending != measure.ending):
            line += " "


def _bar_line(measure: Measure, after: Measure | None) -> str:
    if measure.closes:
        return ":|"
    if after is None:
        return "|]"
    if after.opens:
        return ""
    return "||" if measure.ends else "|"


def _groups(bar: Bar, measure: Measure, written: Written, symbols: Mapping[int, Chord], unit: int) -> Iterator[str]:
    """Write a measure's symbols; what is beamed stands together."""
    whole = bar_length(written.metre)
    beat = int(written.metre.beat * QUARTER) if written.metre.is_compound else QUARTER
    beam = 2 * beat if str(written.metre) == "4/4" else beat
    now, group = measure.start, ""
    for symbol in bar[0] if bar else (Symbol(measure.length),):
        if group and (now % whole) % beam == 0:
            yield group
            group = ""
        if now in symbols:
            chord = symbols[now]
            root = spell(chord.root, written.tonality)
            group += f'"{root.step}{_NAMES[root.alteration]}{_SUFFIXES[chord.kind]}"'
        group += _symbol(symbol, unit)
        now += symbol.value
        if symbol.value >= QUARTER and group:
            yield group
            group = ""
    if group:
        yield group


def _symbol(symbol: Symbol, unit: int) -> str:
    length = Fraction(symbol.value, unit)
    lasts = "" if length == 1 else f"{length}" if length.denominator == 1 else f"{length}".removeprefix("1")
    heads = "".join(map(_head, symbol.heads)) or "z"
    return (f"[{heads}]" if len(symbol.heads) > 1 else heads) + lasts + ("-" if symbol.tied_on else "")


def _head(head: Head) -> str:
    sign = _SIGNS[head.alteration] if head.accidental else ""
    letter = head.step.lower() if head.octave >= 5 else head.step
    return sign + letter + "'" * (head.octave - 5) + "," * (4 - head.octave)
