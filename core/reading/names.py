"""Note names -> notes: `C4 E4 G4`, `c d e f | g2 g2`, `Bb3. F#4/2 rest`; docs/melodies.md is the grammar.

Musicians write names in two ways, and a number behind a name is something else in each: its octave (`C4`, scientific
pitch notation) or its length (`c2`, ABC). Which it is, a text shows as a whole.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Final, Literal

from core.errors import Message, NotationError, RequestError, mark
from core.music.melody import Melody, Note
from core.music.metre import COMMON, Metre, parse_metre
from core.music.tempo import TEMPOS

Numbers = Literal["octaves", "lengths"]  # what numbers behind names are

MOST_NOTES: Final = 2_000
LONGEST: Final = 64  # quarters of a note

_STEPS: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11, "H": 11}
_MIDDLE: Final = 4  # the octave of a name that says none
_SHARPS: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLATS: Final = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_GERMAN: Final = {
    "C#": "Cis",
    "D#": "Dis",
    "F#": "Fis",
    "G#": "Gis",
    "A#": "Ais",
    "B": "H",
    "Db": "Des",
    "Eb": "Es",
    "Gb": "Ges",
    "Ab": "As",
    "Bb": "B",
}
_UPWARDS, _DOWNWARDS = 9, 7  # the widest leaps, in semitones, within which a name without an octave keeps the last one
_TUPLETS: Final = {2: Fraction(3, 2), 3: Fraction(2, 3), 4: Fraction(3, 4), 6: Fraction(1, 3)}

_SIGNS: Final = r"##|#|♯♯|♯|x(?=\d)|♭♭|♭|♮|isis|is|eses|es|bb(?![a-z])|b(?![a-z])"
_LENGTH: Final = r"(?P<length>\*?\d*/*\d*(?:/\d+)?\.{0,2})"
_FIELD: Final = re.compile(r"\[?\b(?P<letter>[MLQ]):\s*(?P<value>C\||C\b|\d+/\d+=\d+|\d+/\d+|\d+)\]?")
_SIGNATURE_FIRST: Final = re.compile(r"\s*(\d{1,2}/\d{1,2})(?=\s)")
_PASSED: Final = re.compile(r'\s+|"[^"]*"|![^!|]*!|\{[^{}]*\}|[~()\\](?!\d)|,(?=\s|$)|;|\.(?=[A-Ha-h^_=])')
_FERMATA: Final = re.compile(r"!fermata!|\U0001D110|fermata\b")
_BAR_LINE: Final = re.compile(r"[|:\[\]]*\|[|:\]]*(?:\s*\[?\d(?=\s))?|::|:(?=\s*$)")
_REST: Final = re.compile(rf"(?:rests?|pausen?|[zxr])(?![a-z]){_LENGTH}", re.IGNORECASE)
_NOTE: Final = re.compile(
    rf"(?P<before>\^\^|\^|__|_|=)?(?P<name>[A-Ha-h])(?P<sign>{_SIGNS}|(?<=[AEae])s(?![a-z]))?(?P<octave>[',’]*)"
)
_OCTAVE: Final = re.compile(r"-?\d")
_TAIL: Final = re.compile(_LENGTH)
_TUPLET: Final = re.compile(r"\((\d)")
_WORD: Final = re.compile(r"[^\s|,;\[\]]+")


@dataclass(frozen=True, slots=True)
class Written:
    """Hold what names say; times as those of a melody. `words` tell how they were read."""

    notes: tuple[Note, ...]
    length: Fraction
    metre: Metre
    tempo: float | None
    words: tuple[Message, ...]


def read_names(text: str, *, german: bool = False) -> Written:
    """Read notes by their names; with `german`, B is B flat, as it is where H is written.

    Raises NotationError, which points at what is no note.
    """
    return _Names(text, german).written()


def write_names(tune: Melody, *, german: bool = False) -> str:
    """Write a melody as `read_names` reads it: octaves, lengths in quarters, bar lines, and its metre in front."""
    names = _FLATS if _is_flat(tune.key) else _SHARPS
    spelt = [_GERMAN.get(name, name) if german else name for name in names]
    pieces = [str(tune.metre), *([] if tune.tempo is None else [f"Q:{tune.tempo:.0f}"])]
    bar, now = tune.metre.bar, tune.notes[0].onset if tune.notes else Fraction(0)

    def write(name: str, start: Fraction, end: Fraction, joined: str) -> None:
        while start < end:
            line = (start // bar + 1) * bar
            upto = min(end, line)
            pieces.append(f"{name}{_length(upto - start)}{joined if upto < end else ''}")
            if upto == line:
                pieces.append("|")
            start = upto

    for note in tune.notes:
        write("rest", now, note.onset, "")
        pieces += ["!fermata!"] if note.fermata else []
        write(f"{spelt[note.pitch % 12]}{note.pitch // 12 - 1}", note.onset, note.end, "-")
        now = note.end
    write("rest", now, tune.length, "")
    return " ".join(pieces).removesuffix(" |")


def _is_flat(key: str) -> bool:
    """Tell whether a key is written with flats."""
    tonic, _, mode = key.partition(" ")
    return "♭" in tonic or tonic in (("F",) if mode == "major" else ("D", "G", "C", "F"))


def _length(quarters: Fraction) -> str:
    if quarters.numerator == 1:
        return "" if quarters == 1 else f"/{quarters.denominator}"
    return f"*{quarters}"


def are_names(text: str) -> bool:
    """Tell whether a text would be names, and not the notation, which is written in numbers."""
    if _SIGNATURE_FIRST.match(text):
        return True
    plain = re.sub(r"^(?:[\s|:\[{!\"~.]|\(\d?)+", "", text)
    if re.match(r"(?:highest|lowest)\s*:", plain, re.IGNORECASE):
        return False  # which is said of the notation
    return bool(re.match(r"[A-Ha-h^_=zZxX]|[MLQ]:|(?:rest|pause)|[rR](?!\d)|fermata", plain, re.IGNORECASE))


class _Names:
    """Read a text from left to right."""

    def __init__(self, text: str, german: bool) -> None:
        self._text = text
        self._numbers = _numbers(text)
        self._is_compact = re.search(r"\b[A-Ga-g]{3,}\b", text) is not None and self._numbers == "lengths"
        self._german = (german and not re.search(r"\b[Bb]b|♭", text)) or bool(re.search(r"(?<![A-Za-z!])[Hh]", text))
        self._unit = Fraction(1)
        self._signature: Metre | None = None
        self._tempo: float | None = None
        self._notes: list[Note] = []
        self._chord: list[Note] | None = None
        self._lines: list[Fraction] = []
        self._now = Fraction(0)
        self._last = 60  # the pitch before, and its octave
        self._octave = _MIDDLE
        self._names_german = False
        self._fermata = self._tied = False
        self._broken = Fraction(1)  # what > or < makes of the next note
        self._tuplet, self._left = Fraction(1), 0
        self._read()

    def written(self) -> Written:
        """Return what was read."""
        metre, upbeat, words = _metre(self._lines, self._now, self._notes, self._signature)
        shift = metre.bar - upbeat if upbeat else Fraction(0)
        notes = tuple(replace(note, onset=note.onset + shift) for note in self._notes)
        how = (
            mark("Note names with octaves: C4 is middle C.")
            if self._numbers == "octaves"
            else mark("Note names as in ABC: c is above middle C, and c2 twice as long.")
        )
        german = (mark("H and B as in German: B natural and B flat."),) if self._names_german else ()
        return Written(notes, self._now + shift, metre, self._tempo, (how, *german, *words))

    def _read(self) -> None:
        place = 0
        if signature := _SIGNATURE_FIRST.match(self._text):
            self._signature = self._metre(signature[1], *signature.span(1))
            place = signature.end()
        while place < len(self._text):
            place = self._token(place)
        if self._chord is not None:
            place = self._text.rfind("[")
            raise NotationError("This chord is not closed: write [CEG] or [C4 E4 G4].", self._text, place, place + 1)

    def _token(self, place: int) -> int:
        """Read what stands at a place, and return where the next begins."""
        text = self._text
        if match := _FERMATA.match(text, place):
            self._fermata = True
        elif match := _TUPLET.match(text, place):
            self._begin_tuplet(match)
        elif match := _FIELD.match(text, place):
            self._field(match)
        elif match := _PASSED.match(text, place):
            pass
        elif match := _BAR_LINE.match(text, place):
            self._lines.append(self._now)
        elif match := _REST.match(text, place):
            self._now += self._length(match, place)
            self._tied = False
        elif text[place] in "[]":
            return self._bracket(place)
        elif text[place] in "><" and self._notes:
            self._break(text[place])
            return place + 1
        elif text[place] in "-–" and self._notes:
            self._tied = True
            return place + 1
        elif match := _NOTE.match(text, place):
            return self._note(match)
        else:
            start = place
            while start and text[start - 1].isalpha():
                start -= 1
            word = _WORD.match(text, place)
            end = word.end() if word else place + 1
            raise NotationError(
                "{word!r} is no note that I know. Write names such as C4 F#4 Bb3 or c d e2, and rest.",
                text,
                start,
                end,
                word=text[start:end][:20],
            )
        return max(match.end(), place + 1)

    def _field(self, match: re.Match[str]) -> None:
        letter, value, span = match["letter"], match["value"], match.span("value")
        if letter == "M":
            self._signature = self._metre({"C": "4/4", "C|": "2/2"}.get(value, value), *span)
        elif letter == "L":
            length = Fraction(value) if re.fullmatch(r"1/(1|2|4|8|16)|1", value) else None
            if length is None:
                raise NotationError("The unit length is one like L:1/4 or L:1/8.", self._text, *span)
            self._unit = 4 * length
        else:
            tempo = int(value.rpartition("=")[2].rpartition("/")[2])
            if not TEMPOS[0] <= tempo <= TEMPOS[1]:
                raise NotationError(
                    "The tempo goes from {least} to {most} quarters a minute.",
                    self._text,
                    *span,
                    least=TEMPOS[0],
                    most=TEMPOS[1],
                )
            self._tempo = float(tempo)

    def _metre(self, signature: str, start: int, end: int) -> Metre:
        try:
            return parse_metre(signature)
        except RequestError:
            raise NotationError(
                "{signature} is not a metre that can be counted. Name one such as 4/4, 3/4 or 6/8.",
                self._text,
                start,
                end,
                signature=signature,
            ) from None

    def _begin_tuplet(self, match: re.Match[str]) -> None:
        notes = int(match[1])
        if notes not in _TUPLETS:
            raise NotationError("Tuplets are (2, (3, (4 and (6, as in (3cde.", self._text, *match.span())
        self._tuplet, self._left = _TUPLETS[notes], notes

    def _bracket(self, place: int) -> int:
        if self._text[place] == "[":
            if self._chord is not None:
                raise NotationError(
                    "A chord cannot hold a chord: write [CEG] or [C4 E4 G4].", self._text, place, place + 1
                )
            self._chord = []
            return place + 1
        chord, self._chord = self._chord, None
        if not chord:
            raise NotationError(
                "There is no chord to close here: write [CEG] or [C4 E4 G4].", self._text, place, place + 1
            )
        tail = _TAIL.match(self._text, place + 1)
        assert tail is not None
        length = self._length(tail, place) * chord[0].length / self._unit
        self._add([replace(note, length=length) for note in chord])
        return tail.end()

    def _break(self, sign: str) -> None:
        """Make the note before longer and the next one shorter, or the other way round."""
        factor = Fraction(3, 2) if sign == ">" else Fraction(1, 2)
        onset = self._notes[-1].onset
        for index, note in enumerate(self._notes):
            if note.onset == onset:
                self._notes[index] = replace(note, length=note.length * factor)
        self._now = self._notes[-1].end
        self._broken = 2 - factor

    def _note(self, match: re.Match[str]) -> int:
        place, end = match.span()
        sign, octave_marks = match["sign"] or "", match["octave"]
        if sign in ("b", "bb") and self._is_compact:
            sign, octave_marks, end = "", "", match.end("name")
        if octave_marks.endswith(",") and self._text[end : end + 1] in ("", " ", "\n") and _is_list(self._text):
            octave_marks = octave_marks[:-1]
        octave = None
        if self._numbers == "octaves" and (digit := _OCTAVE.match(self._text, end)):
            octave, end = int(digit[0]), digit.end()
        tail = _TAIL.match(self._text, end)
        assert tail is not None
        pitch = self._pitch(match["name"], (match["before"] or "") + sign, octave, octave_marks)
        if not 0 <= pitch <= 127:
            raise NotationError("This note is outside the MIDI notes: they go from C-1 to G9.", self._text, place, end)
        self._last, self._octave = pitch, pitch // 12 - 1
        note = Note(self._now, self._length(tail, place), pitch)
        if self._chord is not None:
            self._chord.append(note)
        else:
            self._add([note])
        return tail.end()

    def _pitch(self, name: str, signs: str, octave: int | None, marks: str) -> int:
        step = _STEPS[name.upper()] + _alteration(signs)
        if name in "Hh" or (name in "Bb" and self._german and not signs):
            self._names_german = True
            step -= name in "Bb"
        if self._numbers == "lengths":
            above = _MIDDLE + name.islower() + sum(1 if character in "'’" else -1 for character in marks)
            return 12 * (above + 1) + step
        if octave is not None:
            return 12 * (octave + 1) + step
        pitch = 12 * (self._octave + 1) + step
        if not -_DOWNWARDS <= pitch - self._last <= _UPWARDS and self._notes:
            pitch -= 12 * round((pitch - self._last) / 12)
        return pitch

    def _add(self, chord: Sequence[Note]) -> None:
        """Let notes sound together, and time go on."""
        if len(self._notes) >= MOST_NOTES:
            raise RequestError("These are more than {most} notes. Choose a passage.", most=MOST_NOTES)
        factor, self._broken = self._broken, Fraction(1)
        if self._left:
            factor, self._left = factor * self._tuplet, self._left - 1
        length = chord[0].length * factor
        before = self._notes[-1] if self._notes else None
        if self._tied and len(chord) == 1 and before is not None and before.pitch == chord[0].pitch:
            self._notes[-1] = replace(before, length=before.length + length)
        else:
            notes = [replace(note, onset=self._now, length=length, fermata=self._fermata) for note in chord]
            self._notes += sorted(notes, key=lambda note: note.pitch)
        self._now += length
        self._fermata = self._tied = False

    def _length(self, match: re.Match[str], place: int) -> Fraction:
        """Read a length as ABC has it, in quarters: 2, /2, 3/2, / and dots behind it."""
        written = match["length"].removeprefix("*")
        number = written.rstrip(".")
        dots = len(written) - len(number)
        found = re.fullmatch(r"(\d{0,3})(/*)(\d{0,2})", number)
        if found is None or (found[3] and not int(found[3])) or (found[1] and not int(found[1])):
            raise NotationError("This is no length: write c2, c/2, c3/2 or a dot.", self._text, place, match.end())
        divided = Fraction(1, int(found[3])) if found[3] else Fraction(1, 2 ** len(found[2]))
        length = self._unit * int(found[1] or 1) * divided * (2 - Fraction(1, 2**dots))
        if not Fraction(1, 16) <= length <= LONGEST:
            raise NotationError(
                "A note lasts from a 64th to {most} quarters here.", self._text, place, match.end(), most=LONGEST
            )
        return length


def _numbers(text: str) -> Numbers:
    """Tell what the numbers behind names are.

    Signs that only ABC has, and small letters without a number, make them lengths. Else they are octaves, where every
    name has one or all are capitals; but nobody sings in the second octave beside names without a number.
    """
    plain = _FIELD.sub(" ", re.sub(r'"[^"]*"|![^!|]*!|(?i:rests?|pausen?|fermata)', " ", text))
    if re.search(r"[\^_=][A-Ga-g]|[A-Ga-g]['’]|\(\d", plain) or (re.search(r"[A-G],", plain) and not _is_list(plain)):
        return "lengths"
    names = re.findall(rf"([A-Ha-h])(?:{_SIGNS}|(?<=[AEae])s)?(\d?)", plain)
    small, bare = any(name.islower() for name, _ in names), any(not number for _, number in names)
    most = max((int(number) for _, number in names if number), default=0)
    if small and (bare or most <= 2 or "|" in plain):
        return "lengths"
    return "lengths" if bare and 0 < most <= 2 else "octaves"


def _is_list(text: str) -> bool:
    """Tell whether commas only part the names from each other."""
    words = text.split()
    return len(words) > 1 and all(word.endswith(",") for word in words[:-1])


def _alteration(signs: str) -> int:
    plain = {
        "♭": "b",
        "♯": "#",
        "♮": "",
        "=": "",
        "isis": "##",
        "is": "#",
        "eses": "bb",
        "es": "b",
        "s": "b",
        "x": "##",
    }
    for sign, meant in plain.items():
        signs = signs.replace(sign, meant)
    return signs.count("#") + signs.count("^") - signs.count("b") - signs.count("_")


def _metre(
    lines: Sequence[Fraction], end: Fraction, notes: Sequence[Note], signature: Metre | None
) -> tuple[Metre, Fraction, tuple[Message, ...]]:
    """Return the metre that bar lines show, how many quarters of an upbeat stand before the first, and what to say."""
    edges = sorted({Fraction(0), *lines, end})
    bars = [later - before for before, later in pairwise(edges)]
    if len(bars) < 2:
        return signature or COMMON, Fraction(0), () if signature is None else (mark("In {metre}.", metre=signature),)
    counts = Counter(bars)
    length = max(counts, key=lambda bar: (counts[bar], bar))
    metre = signature or _named(length, edges, notes)
    inner = bars[1:-1]
    if metre is None or 2 * sum(bar % metre.bar == 0 for bar in inner) < len(inner):
        return COMMON, Fraction(0), (mark("Its bars are not all of one length; they are counted in 4/4."),)
    uneven = next((number for number, bar in enumerate(bars[:-1]) if bar % metre.bar and number), None)
    upbeat = bars[0] if bars[0] < metre.bar else Fraction(0)
    words = [mark("In {metre}, with an upbeat.", metre=metre) if upbeat else mark("In {metre}.", metre=metre)]
    if uneven is not None:
        number = uneven + (0 if upbeat else 1)
        words.append(mark("Bar {number} has not the length of the others.", number=number))
    return metre, upbeat, tuple(words)


def _named(bar: Fraction, edges: Sequence[Fraction], notes: Sequence[Note]) -> Metre | None:
    """Name the metre whose bars last so many quarters."""
    if bar == 3:
        placed = [((note.onset - edges[1]) % bar, note.length) for note in notes]
        halves = sum(at in (0, Fraction(3, 2)) and length == Fraction(3, 2) for at, length in placed)
        halves += placed.count((Fraction(3, 2), Fraction(1)))
        beats = sum(at in (1, 2) and length >= 1 for at, length in placed)
        return Metre(6, 8) if halves > beats else Metre(3, 4)
    names = {2: Metre(2, 4), 4: COMMON, 8: COMMON, 6: Metre(12, 8), Fraction(9, 2): Metre(9, 8)}
    return names.get(bar)
