"""ABC tune books: each tune cleaned of what is not notes, tokenised by music21, and set in time here.

music21 builds scores of ABC ten times slower than it tokenises, and stumbles over what tune books are full of: it
takes inline fields for empty chords, decorations for notes, each return to a voice for a new part, and an accidental
for one note's alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final, get_args

from core.errors import ReadingError, mark
from core.music.piece import (
    TICKS,
    Bar,
    Budget,
    Printed,
    Reading,
    Refusal,
    Sign,
    clean_title,
    damaged,
    not_among,
    too_many,
)
from core.reading.starts import Starts, decode
from core.reading.through_music21 import music21_on

if TYPE_CHECKING:
    from music21.abcFormat import ABCNote

_FIELD: Final = re.compile(r"([A-Za-z+]):(?![|:])(.*)")  # +: continues the field before
_INLINE: Final = re.compile(r"\[([A-Za-z]):([^\[\]]*)\]")
_NOT_NOTES: Final = re.compile(
    r"""  "(?P<words>[^"]*)"  # chord symbols and annotations
        | !(?P<name>[^!|]*)!  # decorations, new and old
        | \+[A-Za-z()]+\+
        | \{[^{}]*\}        # grace notes
        | \((?!\d) | \)     # slurs; a digit makes a tuplet
        | (?P<letter>[OS])  # coda and segno
        | Hx(?=\s*[:|\[])   # a fermata over the bar line
        | [H-Wh-w~.`$!*\\]  # decorations of one letter, staccato, spacing
        | y\d*              # more spacing
        | [^\w\s^=,'/|:\[\]()<>&-]  # what has no meaning, over which music21 lingers
    """,
    re.VERBOSE,
)
_MARKS: Final = re.compile(
    r"""  \(\d+(?::\d*){0,2}  # a tuplet, whose colons are none of a bar line's
        | (?P<line>(?:[:|]|\[(?=\|)|(?<=\|)\])+)(?:\s*\[?(?P<turns>\d[\d,-]*))?
        | \[(?P<turns_alone>\d[\d,-]*)
        | (?P<stray>\[(?=[^][|]*(?:\||$)))  # opens no chord
        | (?P<sign>[\uE000-\uE0FF])  # what is left of words and decorations
        | (?P<note>[A-Ga-gz])
    """,
    re.VERBOSE,
)
_SIGNS: Final[dict[str, Sign]] = {
    "o": "coda",
    "coda": "coda",
    "s": "segno",
    "segno": "segno",
    "fine": "fine",
    "dc": "da capo",
    "dacapo": "da capo",
    "dcalfine": "da capo",
    "dcalcoda": "da capo",
    "ds": "dal segno",
    "dsalfine": "dal segno",
    "dsalcoda": "dal segno",
    "dalsegno": "dal segno",
    "tocoda": "to coda",
    "dacoda": "to coda",
}
_SIGN_NAMES: Final = tuple(get_args(Sign))
_FIRST_SIGN: Final = 0xE000  # in the part of Unicode that means nothing to anybody else
_TEMPO: Final = re.compile(
    r"""(?:"[^"]*"\s*)?(?:(?P<beat>[1-9]\d?/[1-9]\d?)\s*=\s*)?(?P<count>\d{1,3})(?:\s*"[^"]*")?"""
)
_COMMENT: Final = re.compile(r'("[^"]*")|(?<!\\)%.*')
_NOTE: Final = re.compile(r"(?P<sign>[\^_=]*)(?P<name>[A-Ga-g][,']*)")
_CLEF: Final = re.compile(r"(?:\w+=\S*|\b(?:treble|bass|alto|tenor|perc)\d?(?:[+-]8)?)(?!\S)")
_SHIFT: Final = re.compile(
    r"octave=(?P<octaves>[+-]?\d)|transpose=(?P<semitones>[+-]?\d{1,2})|[a-z]\d?(?P<clef>[+-])8(?!\S)"
)
_REST_BARS: Final = re.compile(r"[ZX](\d*)")
_METRES: Final = {"C": "4/4", "C|": "2/2", "none": "4/4", "": "4/4"}
_SIGNATURE: Final = re.compile(r"(\d{1,2}(?:\+\d{1,2}){0,5})/(1|2|4|8|16|32|64)")
_KEY: Final = re.compile(r"([A-G])([#b]?)\s*([A-Za-z]*)")
_SHARPS: Final = {"C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F": -1}
_MODES: Final = {"lyd": 1, "maj": 0, "ion": 0, "mix": -1, "dor": -2, "min": -3, "aeo": -3, "phr": -4, "loc": -5}
_MAJOR_KEYS: Final = ["Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#"]


def read_abc(data: bytes, title: str, budget: Budget) -> Reading:
    """Read every tune of a file. Raises ReadingError if none can be kept."""
    book = decode(data).replace("\r\n", "\n").replace("\r", "\n")
    header, *tunes = re.split(r"^(?=X:)", book, flags=re.MULTILINE)
    if not tunes:
        header, tunes = "", [book]
    if len(tunes) > budget.tunes:
        raise too_many(mark("tunes"), len(tunes), budget.tunes)
    defaults = [line for line in header.split("\n") if re.match(r"[LM]:", line)]
    pieces, refusals = list[Printed](), list[Refusal]()
    for number, tune in enumerate(tunes, 1):
        named = re.search(r"^T:(.*)$", tune, re.MULTILINE)
        name = clean_title(named[1]) if named else ""
        name = name or (title if len(tunes) == 1 else f"{title} {number}")
        try:
            pieces.append(_read_tune("\n".join([*defaults, tune]), name, budget))
        except ReadingError as error:
            refusals.append(Refusal(name, error))
    if not pieces:
        first = refusals[0].error
        if len(refusals) == 1:
            raise first
        raise ReadingError(
            "None of the {count} tunes can be read. The first: {reason}", first.kind, count=len(tunes), reason=first
        )
    return Reading(tuple(pieces), tuple(refusals))


def _read_tune(tune: str, title: str, budget: Budget) -> Printed:
    source = _Tune(tune)
    if not source.voices:
        raise ReadingError("The tune has no music after its K: line. Add some, or choose another.", mark("no notes"))
    text = "".join(source.voices.values())
    for what, pattern, most in (
        (mark("notes"), "[A-Ga-g]", budget.notes),
        (mark("rests"), "z", budget.notes),
        (mark("bars"), r"\|", 4 * budget.quarters),
        (mark("changes"), "(?m)^[LM]:", budget.quarters),
    ):
        if (count := len(re.findall(pattern, text))) > most:
            raise too_many(what, count, most)
    with music21_on("ABC"):
        voices = [_Voice(text, source.shift(name)) for name, text in source.voices.items()]
        starts = Starts(title, budget)
        for name, voice in zip(source.voices, voices, strict=True):
            starts.new_voice(name)
            for note in voice.notes:
                starts.add(*note)
        return starts.printed(_bars(voices[0].bar_lines, next(iter(source.measures.values()))), source.tempo)


@dataclass(slots=True)
class _Measure:
    """Gather what bar lines and signs say of a bar."""

    signature: str
    endings: tuple[int, ...] = ()
    times: int = 0
    signs: list[Sign] = field(default_factory=list)
    notes: int = 0
    inside: list[tuple[Sign, int]] = field(default_factory=list)  # signs, and how many notes stand before each
    in_repeat: bool = False  # since |:

    def next(self, line: str, endings: tuple[int, ...]) -> "_Measure":
        """Close the bar with a bar line, none before an ending in mid-bar, and return the next one."""
        ends = line[: line.rfind("|")].count(":") if "|" in line else line.count("::")
        opens = ":" in line[line.find("|") :] if "|" in line else "::" in line
        is_double = sum(character in "[|]" for character in line) > 1
        self.times = ends and ends + 1
        after = _Measure(self.signature, in_repeat=opens or (self.in_repeat and not ends))
        after.endings = endings or (() if ends or opens or is_double else self.endings)
        if opens or (is_double and not ends and not after.in_repeat):
            after.signs.append("opens")
        if opens or is_double or (ends and not endings):
            after.signs.append("section")
        for sign, before in self.inside:
            stands_at_end = sign in ("segno", "coda") and 2 * before > self.notes
            signs = (after if stands_at_end else self).signs
            if sign not in signs:
                signs.append(sign)
        return after


class _Tune:
    """Clean a tune: what is left, for each voice, are its metre, unit length and key, notes, rests and bars.

    `shift` says by how many semitones a voice sounds higher than it is written, `measures` what its bars are, `tempo`
    how many quarters a minute has, 0 if nothing says so. Raises ReadingError for what cannot be read right.
    """

    def __init__(self, tune: str) -> None:
        self.voices: dict[str, str] = {}
        self.measures: dict[str, list[_Measure]] = {}
        self.tempo = 0.0
        self._header: list[str] | None = []  # None in the body
        self._common = ""
        self._voice = ""
        self._shifts: dict[str, int] = {}  # of voices, and of all under their common name of ""
        self._signature = "4/4"
        self._metre = Fraction(1)  # of a whole note
        self._unit: Fraction | None = None  # of a whole note, None until L: or the first K: says
        in_text = False
        for number, line in enumerate(tune.split("\n"), 1):
            if self.voices and not line.strip():
                break  # what follows the tune is a text
            if line.startswith(("%%begin", "%%end")):
                in_text = line.startswith("%%begin")
            if in_text:
                continue
            self._line(_COMMENT.sub(r"\1", line).rstrip(), number)

    def shift(self, voice: str) -> int:
        """Return how many semitones a voice sounds above what is written."""
        return self._shifts.get(voice, self._shifts.get("", 0))

    def _line(self, line: str, number: int) -> None:
        if field := _FIELD.match(line):
            self._field(field[1], field[2].strip())
        elif self._header is None:
            text, *rest = _INLINE.split(line)
            self._music(text, number)
            for letter, data, text in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
                self._field(letter, data.strip())
                self._music(text, number)

    def _field(self, letter: str, data: str) -> None:
        if letter == "M":
            self._write(f"M:{self._read_metre(data)}")
        elif letter == "L":
            if not re.fullmatch(r"1/\d{1,3}|1", data) or data.endswith("/0"):
                raise damaged(
                    "ABC", mark("its unit length is {length!r} instead of one like 1/8", length=clean_title(data))
                )
            self._unit = Fraction(data)
            self._write(f"L:1/{self._unit.denominator}")
        elif letter == "Q" and not self.tempo:
            if match := _TEMPO.fullmatch(data):
                beat = Fraction(match["beat"]) if match["beat"] else self._unit or Fraction(1, 4)
                self.tempo = float(4 * beat * int(match["count"]))
        elif letter == "K":
            if self._unit is None:
                self._unit = Fraction(1, 16 if self._metre < Fraction(3, 4) else 8)
                self._write(f"L:1/{self._unit.denominator}")
            self._read_shift("" if self._header is not None else self._voice, data)
            key = _CLEF.sub("", data).strip()
            if key or self._header is not None:  # a clef alone leaves the key as it is
                self._write(f"K:{_key(key)}")
            if self._header is not None:
                self._common, self._header = "\n".join(self._header), None
        elif letter == "V":
            voice = data.split(maxsplit=1)[0] if data else ""
            self._read_shift(voice, data)
            if self._header is None:
                self._voice = voice

    def _read_shift(self, voice: str, data: str) -> None:
        """Note what the parameters of a key or a voice say about how it sounds."""
        if found := list(_SHIFT.finditer(data)):
            octaves = sum(
                int(match["octaves"] or 0) + int(f"{match['clef']}1" if match["clef"] else 0) for match in found
            )
            self._shifts[voice] = 12 * octaves + sum(int(match["semitones"] or 0) for match in found)

    def _read_metre(self, data: str) -> str:
        """Note a metre, and return it as music21 knows it."""
        name = _METRES.get(data, data.replace(" ", ""))
        match = _SIGNATURE.fullmatch(name)
        beats = 0 if match is None else sum(map(int, match[1].split("+")))
        if match is None or not beats:
            raise not_among(clean_title(name), "all")
        self._signature, self._metre = name, Fraction(beats, int(match[2]))
        for measures in self.measures.values():
            if not measures[-1].notes:
                measures[-1].signature = name
        return f"{beats}/{match[2]}"

    def _music(self, text: str, number: int) -> None:
        if not text.strip():
            return
        text = _NOT_NOTES.sub(_sign, text).replace("x", "z")
        if "&" in text:
            raise ReadingError(
                "The tune lays voices over one another (&). Give each a voice (V:) of its own.",
                mark("voice overlay"),
            )
        if re.search(r"\d{4,}", text):
            raise damaged("ABC", mark("line {number} of the tune has a note of an impossible length", number=number))
        unit = self._unit or Fraction(1, 8)
        text = _REST_BARS.sub(lambda match: f"z{int(match[1] or 1) * self._metre / unit}", text)
        self._write(self._read_marks(text))

    def _read_marks(self, text: str) -> str:
        """Note what bar lines and signs say, and return the music with plain bar lines alone."""
        measures = self.measures.setdefault(self._voice, [_Measure(self._signature)])

        def mark(match: re.Match[str]) -> str:
            measure, line, turns = measures[-1], match["line"] or "", match["turns"] or match["turns_alone"] or ""
            if match["sign"]:
                measure.inside.append((_SIGN_NAMES[ord(match["sign"]) - _FIRST_SIGN], measure.notes))
                return ""
            if match["note"]:
                measure.notes += 1
            elif "|" in line or "::" in line or match["turns_alone"]:
                measures.append(measure.next(line, _turns(turns)))
                measures[-1].signature = self._signature
                return " | "
            return " " if line or match["stray"] else match[0]

        return _MARKS.sub(mark, text)

    def _write(self, line: str) -> None:
        if self._header is not None:
            self._header.append(line)
        else:
            self.voices[self._voice] = f"{self.voices.get(self._voice, self._common)}\n{line}"


class _Voice:
    """Set the tokens of a voice in time: (onset, length, pitch, tie) of its notes, and its bar lines, in quarters."""

    def __init__(self, text: str, shift: int) -> None:
        from music21 import abcFormat

        self.notes: list[tuple[Fraction, Fraction, int, str | None]] = []
        self.bar_lines: list[Fraction] = []  # the end of the music is one
        self._shift = shift
        self._altered: dict[str, int] = {}  # note -> its pitch, as an accidental in this bar has it
        self._tied: dict[str, int] = {}  # note -> its pitch, which a tie carries over the bar line
        handler = abcFormat.ABCHandler()
        handler.process(text)
        place = Fraction(0)
        for token in handler.tokens:
            if isinstance(token, abcFormat.ABCBar):
                self._altered = {}
                self.bar_lines.append(place)
            if not isinstance(token, abcFormat.ABCNote):
                continue
            length = Fraction(token.quarterLength).limit_denominator(10_000)
            if token.activeTuplet is not None:
                length *= Fraction(token.activeTuplet.numberNotesNormal, token.activeTuplet.numberNotesActual)
            for note in token.subTokens if isinstance(token, abcFormat.ABCChord) else [token]:
                if isinstance(note, abcFormat.ABCNote) and not note.isRest:
                    self.notes.append((place, length, self._pitch(note, token.tie), token.tie))
            place += length
        self.bar_lines.append(place)

    def _pitch(self, note: "ABCNote", tie: str | None) -> int:
        """Return the pitch of a note, whose accidental may stand before one earlier in its bar, or be tied to it."""
        from music21.pitch import Pitch

        match = _NOTE.search(note.src)
        pitch: int = round(Pitch(note.pitchName).ps) + self._shift
        if match is not None:
            carried = self._tied.pop(match["name"], None) if tie in ("stop", "continue") else None
            if match["sign"]:
                self._altered[match["name"]] = pitch
            else:
                pitch = carried or self._altered.get(match["name"], pitch)
            if tie in ("start", "continue"):
                self._tied[match["name"]] = pitch
        return pitch


def _sign(match: re.Match[str]) -> str:
    """Leave one character of the words and decorations that say in which order bars are played, nothing of others."""
    words = match["words"] or match["name"] or match["letter"] or ""
    sign = _SIGNS.get("".join(character for character in words.lower() if character.isalpha()))
    return "" if sign is None else chr(_FIRST_SIGN + _SIGN_NAMES.index(sign))


def _turns(numbers: str) -> tuple[int, ...]:
    """Read the numbers of an ending: 1, 1,3 or 1-3."""
    turns = set[int]()
    for number in filter(None, numbers.split(",")):
        first, _, last = number.partition("-")
        turns |= set(range(int(first[:2]), int(last[:2] or first[:2]) + 1))
    return tuple(sorted(turns))


def _bars(lines: Sequence[Fraction], measures: Sequence[_Measure]) -> list[Bar]:
    """Place the bars that have music; what stands at the others goes to those beside them."""
    bars = list[Bar]()
    start = 0
    ahead = list[Sign]()
    for line, measure in zip(lines, measures, strict=True):
        end = round(line * TICKS)
        at_start = [sign for sign in measure.signs if sign in ("opens", "section", "segno", "coda")]
        at_end = [sign for sign in measure.signs if sign not in at_start]
        if end > start:
            signs = (*dict.fromkeys((*ahead, *at_start)), *at_end)
            bars.append(Bar(start, end, measure.signature, signs, measure.endings, measure.times))
            ahead = []
        else:
            ahead += at_start
            if bars:
                bars[-1] = replace(bars[-1], signs=(*bars[-1].signs, *at_end), times=bars[-1].times or measure.times)
        start = end
    return bars or [Bar(0, 0)]


def _key(data: str) -> str:
    """Name the major key with the same signature, since music21 does not know every mode. Raises ReadingError."""
    if data in ("HP", "Hp"):
        return "D"  # the Highland pipes' F and C are sharp
    if not data or data == "none":
        return "C"
    key = _KEY.match(data)
    if key is None or re.search(r"[\^_=][A-Ga-g]", data):
        raise damaged("ABC", mark("its key {key!r} is not one like K:G, K:Am or K:D mix", key=clean_title(data)))
    tonic, accidental, mode = key.groups()
    flats = -3 if mode == "m" else _MODES.get(mode[:3].lower(), 0)
    sharps = _SHARPS[tonic] + 7 * ((accidental == "#") - (accidental == "b")) + flats
    if not -7 <= sharps <= 7:
        raise damaged("ABC", mark("its key {key!r} has more than seven accidentals", key=clean_title(data)))
    return _MAJOR_KEYS[sharps + 7]
