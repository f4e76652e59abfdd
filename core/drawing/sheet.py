"""Sheet music: MusicXML through music21, engraved by verovio, drawn by resvg and printed by fpdf2."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from xml.etree import ElementTree

from core.drawing import abc
from core.drawing.canvas import text_font
from core.drawing.staves import QUARTER, Bar, Measure, Staff, Symbol, Written, bar_length, write
from core.drawing.svg import laid_out
from core.errors import PictureError
from core.music import harmony
from core.music.dances import dance
from core.music.harmony import Chord
from core.music.keys import key_of
from core.music.parts import PartScore, is_choral
from core.music.score import Score
from core.music.spelling import Head, Tonality, spell, tonality
from core.music.tempo import DEFAULT_TEMPO, words
from core.music.voices import is_line

if TYPE_CHECKING:  # music21 takes most of a second to load, so it is loaded where it is used
    from music21.note import GeneralNote
    from music21.pitch import Pitch
    from music21.stream import Measure as Music21Measure
    from music21.stream import PartStaff
    from music21.stream import Score as Music21Score

_PAGE_WIDTH: Final = 1400  # pixels
_LONGEST_TITLE: Final = 60  # characters
_LAYOUT: Final = {
    "pageWidth": 2100,
    "pageHeight": 2970,
    "adjustPageHeight": True,
    "footer": "none",
    "scale": 40,
    "minLastJustification": 0,
    "staffLineWidth": 0.22,  # which is still seen when a chat shows the page at half its size
    "ledgerLineThickness": 0.3,
    "spacingStaff": 13,
    "smuflTextFont": "none",
    "svgFormatRaw": True,  # resvg misplaces text that begins with a line break
}
_TONAL: Final = 0.72  # share of the notes of a piece in a key that are of its scale; shipped models have 0.57 to 1
_A4: Final = (595.28, 841.89)  # points
_KINDS: Final[Mapping[harmony.Kind, str]] = {"major": "major", "minor": "minor", "seventh": "dominant-seventh"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """Hold a piece as sheet music: MusicXML, a PNG for each page, all of them as PDF, and ABC if it is a tune."""

    musicxml: bytes
    pages: tuple[bytes, ...]
    pdf: bytes
    abc: bytes | None = None


def sheet(
    piece: Score | PartScore,
    *,
    title: str = "",
    composer: str = "",
    tempo: float = DEFAULT_TEMPO,
    numerals: bool = False,
    folds: bool = True,
) -> Sheet:
    """Engrave a piece in its key: a chorale on two staves by its voices, a tune with chord symbols.

    `numerals` writes the roman numerals of its chords below it. The MusicXML of what is in parts has a staff for each
    of them. If it `folds`, what is repeated is written once. Raises PictureError for a piece without notes.
    """
    score = piece.score if isinstance(piece, PartScore) else piece
    if not score.events:
        raise PictureError("There are no notes to engrave.")
    title, composer = _printable(title), _printable(composer)
    key = piece.key if isinstance(piece, PartScore) and piece.key else key_of(score)
    is_tune = isinstance(piece, Score) and is_line(piece)
    signature = tonality(key) if isinstance(piece, PartScore) and piece.key else _simplest(score, tonality(key))
    chords = harmony.chords(score, key) if is_tune else ()
    written = write(piece, signature, folds=folds)
    heading = _Heading(title, composer, tempo, key, chords, score.unit, numerals)
    stream = _stream(written, heading)
    beats = tempo / float(written.metre.beat) if written.metre.is_compound else tempo
    shown = _musicxml(stream, words(beats))
    parted = isinstance(piece, PartScore) or is_choral(score)
    musicxml = (
        _musicxml(_stream(write(piece, signature, open_score=True, folds=folds), heading), words(beats))
        if parted
        else shown
    )
    pages = _pages(shown, written, composer)
    tune = (
        abc.tune(
            written,
            title=title,
            composer=composer,
            rhythm=dance(score) or "",
            tempo=tempo,
            symbols=heading.symbols(),
        )
        if is_tune and len(written.staves) == 1
        else None
    )
    return Sheet(musicxml, tuple(map(_png, pages)), _pdf(pages), tune)


@dataclass(frozen=True, slots=True)
class _Heading:
    """Hold what stands beside the notes."""

    title: str
    composer: str
    tempo: float
    key: str
    chords: Sequence[Chord]
    unit: Fraction
    numerals: bool

    def symbols(self) -> dict[int, Chord]:
        """Return the chords by the sixteenth at which they begin."""
        return {int(chord.start * self.unit * QUARTER): chord for chord in self.chords}


def _printable(title: str) -> str:
    """Leave out what XML cannot hold and a page has no room for."""
    words = " ".join("".join(c if c.isprintable() else " " for c in title).split())
    return words if len(words) <= _LONGEST_TITLE else words[: _LONGEST_TITLE - 1] + "…"


def _simplest(score: Score, own: Tonality) -> Tonality:
    """Return the signature of a piece: a mixolydian one has no leading note, a dorian one a raised sixth.

    What has too many notes beside its scale is in no key, and has an empty one.
    """
    counts = [0] * 12
    for event in score.events:
        for pitch in event.pitches:
            counts[pitch % 12] += 1
    step = -1 if own.mode == "major" else 1
    natural, altered = (11, 10) if own.mode == "major" else (8, 9)
    tonic = (own.sharps * 7 + (0 if own.mode == "major" else 9)) % 12
    is_modal = counts[(tonic + altered) % 12] > 2 * counts[(tonic + natural) % 12]
    signature = Tonality(own.sharps + step, own.mode) if is_modal and abs(own.sharps + step) <= 6 else own
    scale = {(7 * fifth) % 12 for fifth in range(signature.sharps - 1, signature.sharps + 6)}
    return signature if sum(counts[place] for place in scale) >= _TONAL * sum(counts) else Tonality(0, "major")


def _musicxml(stream: Music21Score, pace: str) -> bytes:
    """Write MusicXML with the tempo in words, the same bytes for the same score."""
    from music21.musicxml.m21ToXml import ScoreExporter

    root = ScoreExporter(stream).parse()
    for number, (entry, part) in enumerate(zip(root.iter("score-part"), root.iter("part"), strict=True), 1):
        entry.set("id", f"P{number}")  # music21 writes random names, the date, and itself as the composer
        part.set("id", f"P{number}")
        for instrument in [each for each in entry if each.tag.endswith("instrument")]:
            entry.remove(instrument)
    for direction in root.iter("direction"):
        if direction.find("direction-type/metronome") is not None:
            direction.set("placement", "above")
            kind = ElementTree.Element("direction-type")
            ElementTree.SubElement(kind, "words", {"font-weight": "bold"}).text = pace
            direction.insert(0, kind)
    identification = next(root.iter("identification"))
    composer = stream.metadata.composer
    identification.clear()
    if composer:
        ElementTree.SubElement(identification, "creator", {"type": "composer"}).text = composer
    ElementTree.SubElement(ElementTree.SubElement(identification, "encoding"), "software").text = "Cadenza"
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _stream(written: Written, heading: _Heading) -> Music21Score:
    from music21 import layout, metadata, stream

    chords = heading.symbols()
    parts = [_part(staff, written, chords if place == 0 else {}) for place, staff in enumerate(written.staves)]
    parts[0].getElementsByClass(stream.Measure).first().insert(0, _tempo(written, heading.tempo))
    whole = stream.Score(parts)
    whole.metadata = metadata.Metadata(title=heading.title)
    if heading.composer:
        whole.metadata.composer = heading.composer
    if len(parts) > 1:
        symbol = "bracket" if written.staves[0].name or written.staves[0].apart else "brace"
        whole.insert(0, layout.StaffGroup(parts, symbol=symbol, barTogether=not written.staves[0].name))
    if heading.numerals:
        _write_numerals(whole, heading.key)
    return whole


def _tempo(written: Written, tempo: float) -> object:
    """Write the tempo in beats a minute."""
    from music21.tempo import MetronomeMark

    beat = float(written.metre.beat) if written.metre.is_compound else 1.0
    return MetronomeMark(number=round(tempo / beat), referent=beat)


def _part(staff: Staff, written: Written, chords: Mapping[int, Chord]) -> PartStaff:
    """Build a staff, measure by measure."""
    from music21 import bar, clef, key, spanner, stream

    part = stream.PartStaff() if not staff.name else stream.Part()
    if staff.name:
        part.partName, part.partAbbreviation = staff.name, staff.name[0] + "."
    clefs = {"treble": clef.TrebleClef, "tenor": clef.Treble8vbClef, "bass": clef.BassClef}
    brackets: list[tuple[int, list[Music21Measure]]] = []
    for index, (voices, place) in enumerate(zip(staff.bars, written.measures, strict=True)):
        measure = _measure(staff, voices, place, written, chords)
        if index == 0:
            measure.insert(0, clefs[staff.clef]())
            measure.insert(0, key.KeySignature(written.tonality.sharps))
            measure.insert(0, _time(written, staff))
        if place.opens:
            measure.leftBarline = bar.Repeat("start")
        if place.closes:
            measure.rightBarline = bar.Repeat("end")
        elif place is written.measures[-1]:
            measure.rightBarline = bar.Barline("final")
        elif place.ends:
            measure.rightBarline = bar.Barline("double")
        if place.ending:
            if not brackets or brackets[-1][0] != place.ending:
                brackets.append((place.ending, []))
            brackets[-1][1].append(measure)
        part.append(measure)
    for number, measures in brackets:
        part.insert(0, spanner.RepeatBracket(measures, number=number))
    return part


def _time(written: Written, staff: Staff) -> object:
    """Write the time signature; eighths of tunes in four are beamed by half bars."""
    from music21.meter import TimeSignature

    time = TimeSignature(str(written.metre))
    if str(written.metre) == "4/4" and not staff.apart:
        time.beamSequence.partition(2)
        for half in range(2):
            time.beamSequence[half] = time.beamSequence[half].subdivide(2)
    return time


def _measure(
    staff: Staff, voices: Bar, place: Measure, written: Written, chords: Mapping[int, Chord]
) -> Music21Measure:
    from music21 import note, stream

    measure = stream.Measure(number=place.number)
    whole = bar_length(written.metre)
    if place.length < whole:
        inside = place.start % whole
        measure.paddingLeft = inside / QUARTER
        measure.paddingRight = (whole - inside - place.length) / QUARTER
        if inside and place.number:
            measure.numberSuffix = "b"
            measure.showNumber = stream.enums.ShowNumber.NEVER  # which is no number to a player
    if not voices:
        measure.append(_silence(place))
    for at, voice in enumerate(voices):
        if not any(symbol.pitches for symbol in voice):
            elements: list[GeneralNote] = [_silence(place)]
        elif len(voices) > 1:
            alike = [*_rests(voices[0])] if at else []
            elements = [
                _element(symbol, ("up", "down")[at], shown=staff.apart and (begun, symbol.value) not in alike)
                for begun, symbol in _placed(voice)
            ]
        else:
            elements = [_element(symbol) for symbol in voice]
        if len(voices) > 1:
            measure.insert(0, stream.Voice(elements, id=str(at + 1)))
        else:
            measure.append(elements)
    for begun, chord in chords.items():
        if place.start <= begun < place.end:
            measure.insert((begun - place.start) / QUARTER, _symbol(chord, written.tonality))
    assert all(isinstance(element, note.GeneralNote) for element in measure.notesAndRests)
    return measure


def _placed(voice: Sequence[Symbol]) -> Iterator[tuple[int, Symbol]]:
    """Yield each symbol with the sixteenth of its measure at which it begins."""
    yield from zip(accumulate((symbol.value for symbol in voice), initial=0), voice, strict=False)


def _rests(voice: Sequence[Symbol]) -> Iterator[tuple[int, int]]:
    """Yield where and how long each rest is."""
    return ((begun, symbol.value) for begun, symbol in _placed(voice) if not symbol.pitches)


def _silence(place: Measure) -> GeneralNote:
    from music21 import note

    rest = note.Rest(quarterLength=Fraction(place.length, QUARTER))
    rest.fullMeasure = True
    return rest


def _symbol(chord: Chord, key: Tonality) -> object:
    from music21.harmony import ChordSymbol

    head = spell(chord.root, key)
    return ChordSymbol(root=head.step + "#" * head.alteration + "-" * -head.alteration, kind=_KINDS[chord.kind])


def _element(symbol: Symbol, stem: Literal["up", "down"] | None = None, *, shown: bool = False) -> GeneralNote:
    """Build a note, a chord or a rest; the lower voice's rests are hidden unless it is a part of its own."""
    from music21 import chord, expressions, note, tie

    length = Fraction(symbol.value, QUARTER)
    if not symbol.pitches:
        rest = note.Rest(quarterLength=length)
        rest.style.hideObjectOnPrint = stem == "down" and not shown
        return rest
    written = [_pitch(head) for head in symbol.heads]
    element = chord.Chord(written) if len(written) > 1 else note.Note(written[0])
    element.quarterLength = length
    element.stemDirection = stem
    if symbol.tied_from and symbol.tied_on:
        element.tie = tie.Tie("continue")
    elif symbol.tied_from or symbol.tied_on:
        element.tie = tie.Tie("start" if symbol.tied_on else "stop")
    if symbol.fermata and stem != "down":
        held = expressions.Fermata()
        held.type = "upright"  # music21's own stands on its head, below
        element.expressions.append(held)
    return element


def _pitch(head: Head) -> Pitch:
    """Build a pitch whose accidental is shown where it is needed and nowhere else."""
    from music21 import pitch

    accidental = pitch.Accidental(head.alteration)
    accidental.displayStatus = head.accidental
    return pitch.Pitch(step=head.step, octave=head.octave, accidental=accidental)


def _write_numerals(whole: Music21Score, key: str) -> None:
    """Write the roman numeral of each triad and seventh chord below the lowest voice, where it changes.

    What passing notes and suspensions make is no chord of its own, and has none.
    """
    from music21 import key as keys
    from music21.roman import romanNumeralFromChord

    tonic, mode = key.replace("♯", "#").replace("♭", "-").split()
    home = keys.Key(tonic, mode)
    scale = {pitch.pitchClass for pitch in home.pitches} | {(home.tonic.pitchClass + 11) % 12}
    bass = whole.parts[-1]
    lowest = {note.getOffsetInHierarchy(bass): note for note in bass.recurse().notes if note.tie is None}
    before = ""
    for chord in whole.chordify().recurse().getElementsByClass("Chord"):
        place = chord.getOffsetInHierarchy(whole)
        if chord.beatStrength < 0.25 or place not in lowest or not (chord.isTriad() or chord.isSeventh()):
            continue
        single = chord.removeRedundantPitches(inPlace=False) or chord
        foreign = not set(chord.pitchClasses) <= scale and (chord.isMajorTriad() or chord.isDominantSeventh())
        figure = romanNumeralFromChord(single, home, preferSecondaryDominants=foreign).figure.replace("ø", "")
        if "[" in figure:  # no chord that has a name
            continue
        if figure != before:
            lowest[place].addLyric(figure)
        before = figure


def _pages(musicxml: bytes, written: Written, composer: str) -> tuple[str, ...]:
    """Engrave MusicXML, its systems of like length, as pages of SVG with their text laid out."""
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions(_LAYOUT)
    if not toolkit.loadData(musicxml.decode()):
        raise PictureError("The sheet music could not be engraved.")
    first, *others = (toolkit.renderToSVG(number) for number in range(1, toolkit.getPageCount() + 1))
    systems = sum(page.count('class="system"') for page in (first, *others))
    toolkit.setOptions({**_LAYOUT, "breaks": "line"})
    toolkit.loadData(_broken(musicxml, written, systems).decode())
    pages = [toolkit.renderToSVG(number) for number in range(1, toolkit.getPageCount() + 1)]
    signs = Path(toolkit.getResourcePath(), "Leipzig")
    return (
        laid_out(pages[0], signs, composer, first if b"<harmony" in musicxml else ""),
        *(laid_out(page, signs) for page in pages[1:]),
    )


def _broken(musicxml: bytes, written: Written, systems: int) -> bytes:
    """Break a piece into so many systems that have equally much to show, and leave out a tempo beside chord symbols.

    For verovio would set the symbols above that, far from their notes.
    """
    weights = [
        2 + max((sum(1 for voice in staff.bars[at] for _ in voice) for staff in written.staves), default=0)
        for at in range(len(written.measures))
    ]
    root = ElementTree.fromstring(musicxml)  # noqa: S314  what we have just written
    whole, reached, system = sum(weights), 0.0, 0
    [*measures] = next(root.iter("part")).iter("measure")
    if next(root.iter("harmony"), None) is not None:
        for measure in measures:
            for direction in [each for each in measure.iter("direction") if each.find("*/metronome") is not None]:
                measure.remove(direction)
    for measure, weight in zip(measures, weights, strict=True):
        if system < systems - 1 and reached + weight / 2 >= whole * (system + 1) / systems:
            measure.insert(0, ElementTree.Element("print", {"new-system": "yes"}))
            system += 1
        reached += weight
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _png(page: str) -> bytes:
    from resvg_py import svg_to_bytes

    family, font_data = text_font()
    with tempfile.TemporaryDirectory(prefix="cadenza-") as folder:
        font = Path(folder, "text.ttf")
        font.write_bytes(font_data)
        return bytes(
            svg_to_bytes(
                svg_string=page,
                width=_PAGE_WIDTH,
                background="white",
                skip_system_fonts=True,
                font_files=[str(font)],
                serif_family=family,
            )
        )


def _pdf(pages: Sequence[str]) -> bytes:
    """Print pages of SVG on A4."""
    from fpdf import FPDF

    family, font_data = text_font()
    document = FPDF(unit="pt", format=_A4)
    document.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))  # the same bytes for the same piece
    with tempfile.TemporaryDirectory(prefix="cadenza-") as folder:
        font = Path(folder, "text.ttf")
        font.write_bytes(font_data)
        document.add_font(family, fname=font)
        for page in pages:
            document.add_page()
            document.image(BytesIO(page.encode()), x=0, y=0, w=_A4[0])
        return bytes(document.output())
