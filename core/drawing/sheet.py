"""Sheet music: MusicXML through music21, engraved by verovio, drawn by resvg."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from xml.etree import ElementTree

from core.drawing.canvas import text_font
from core.drawing.staves import QUARTER, Staff, Symbol, write
from core.errors import PictureError
from core.music.keys import key_of
from core.music.metre import Metre
from core.music.score import Score
from core.music.spelling import Head, Tonality, tonality
from core.music.tempo import DEFAULT_TEMPO

if TYPE_CHECKING:  # music21 takes most of a second to load, so it is loaded where it is used
    from music21.note import GeneralNote
    from music21.pitch import Pitch
    from music21.stream import PartStaff

_PAGE_WIDTH: Final = 1400  # pixels
_LONGEST_TITLE: Final = 60  # characters
_LAYOUT: Final = {
    "pageWidth": 2100,
    "pageHeight": 2400,
    "adjustPageHeight": True,
    "footer": "none",
    "scale": 40,
    "staffLineWidth": 0.22,  # which is still seen when a chat shows the page at half its size
    "ledgerLineThickness": 0.3,
    "smuflTextFont": "none",
    "svgFormatRaw": True,  # resvg misplaces text that begins with a line break
}
_TEMPO: Final = re.compile(  # a tempo mark up to its note
    r'<text x="(\d+)" y="(\d+)" font-size="0px">((?:(?!</text>).)*?)'
    r'<tspan font-family="Leipzig" font-size="(\d+)px">[^<]*</tspan>',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Hold a piece as sheet music: MusicXML, and a PNG for each page."""

    musicxml: bytes
    pages: tuple[bytes, ...]


def sheet(score: Score, *, title: str = "", tempo: float = DEFAULT_TEMPO) -> Sheet:
    """Engrave a score on one staff or two, in the key that its notes suggest.

    Raises PictureError for a score without notes.
    """
    if not score.events:
        raise PictureError("There are no notes to engrave.")
    musicxml = _musicxml(score, _printable(title), tempo)
    return Sheet(musicxml, _pages(musicxml))


def _printable(title: str) -> str:
    """Leave out what XML cannot hold and a page has no room for."""
    words = " ".join("".join(c if c.isprintable() else " " for c in title).split())
    return words if len(words) <= _LONGEST_TITLE else words[: _LONGEST_TITLE - 1] + "…"


def _musicxml(score: Score, title: str, tempo: float) -> bytes:
    """Write a score as MusicXML, the same bytes for the same score."""
    from music21 import layout, metadata, stream
    from music21.musicxml.m21ToXml import ScoreExporter
    from music21.tempo import MetronomeMark

    key = tonality(key_of(score))
    parts = [_part(staff, key, score.metre) for staff in write(score, key)]
    parts[0].measure(1).insert(0, MetronomeMark(number=round(tempo)))
    whole = stream.Score(parts)
    whole.metadata = metadata.Metadata(title=title)
    if len(parts) > 1:
        whole.insert(0, layout.StaffGroup(parts, symbol="brace"))
    root = ScoreExporter(whole).parse()
    for number, (entry, part) in enumerate(zip(root.iter("score-part"), root.iter("part"), strict=True), 1):
        entry.set("id", f"P{number}")  # music21 writes random names, the date, and itself as the composer
        part.set("id", f"P{number}")
    identification = next(root.iter("identification"))
    identification.clear()
    ElementTree.SubElement(ElementTree.SubElement(identification, "encoding"), "software").text = "Cadenza"
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _part(staff: Staff, signature: Tonality, metre: Metre) -> PartStaff:
    """Build a staff, bar by bar."""
    from music21 import bar, clef, key, meter, note, stream

    part = stream.PartStaff()
    for index, voices in enumerate(staff.bars):
        measure = stream.Measure(number=index + 1)
        if index == 0:
            measure.append(clef.TrebleClef() if staff.clef == "treble" else clef.BassClef())
            measure.append(key.KeySignature(signature.sharps))
            measure.append(meter.TimeSignature(str(metre)))
        if not voices:
            rest = note.Rest(quarterLength=metre.bar)
            rest.fullMeasure = True
            measure.append(rest)
        for place, voice in enumerate(voices):
            if len(voices) > 1:
                elements = [_element(symbol, stem=("up", "down")[place]) for symbol in voice]
                measure.insert(0, stream.Voice(elements, id=str(place + 1)))
            else:
                measure.append([_element(symbol) for symbol in voice])
        part.append(measure)
    part.getElementsByClass(stream.Measure).last().rightBarline = bar.Barline("final")
    return part


def _element(symbol: Symbol, stem: Literal["up", "down"] | None = None) -> GeneralNote:
    """Build a note, a chord or a rest; where two voices share a staff, the lower one's rests are hidden."""
    from music21 import chord, note, tie

    length = Fraction(symbol.value, QUARTER)
    if not symbol.pitches:
        rest = note.Rest(quarterLength=length)
        rest.style.hideObjectOnPrint = stem == "down"
        return rest
    written = [_pitch(head) for head in symbol.heads]
    element = chord.Chord(written) if len(written) > 1 else note.Note(written[0])
    element.quarterLength = length
    element.stemDirection = stem
    if symbol.tied_from and symbol.tied_on:
        element.tie = tie.Tie("continue")
    elif symbol.tied_from or symbol.tied_on:
        element.tie = tie.Tie("start" if symbol.tied_on else "stop")
    return element


def _pitch(head: Head) -> Pitch:
    """Build a pitch whose accidental is shown where it is needed and nowhere else."""
    from music21 import pitch

    accidental = pitch.Accidental(head.alteration)
    accidental.displayStatus = head.accidental
    return pitch.Pitch(step=head.step, octave=head.octave, accidental=accidental)


def _pages(musicxml: bytes) -> tuple[bytes, ...]:
    """Engrave MusicXML and draw its pages."""
    import verovio
    from resvg_py import svg_to_bytes

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions(_LAYOUT)
    if not toolkit.loadData(musicxml.decode()):
        raise PictureError("The sheet music could not be engraved.")
    glyph = Path(toolkit.getResourcePath(), "Leipzig", "ECA5.xml").read_text()  # the quarter note of a tempo
    family, font_data = text_font()
    with tempfile.TemporaryDirectory(prefix="cadenza-") as folder:
        font = Path(folder, "text.ttf")
        font.write_bytes(font_data)
        return tuple(
            bytes(
                svg_to_bytes(
                    svg_string=_drawable(toolkit.renderToSVG(number), glyph),
                    width=_PAGE_WIDTH,
                    background="white",
                    skip_system_fonts=True,
                    font_files=[str(font)],
                    serif_family=family,
                )
            )
            for number in range(1, toolkit.getPageCount() + 1)
        )


def _drawable(svg: str, glyph: str) -> str:
    """Leave no sign to a font that resvg lacks: draw the note of a tempo mark, which verovio writes in a web font."""

    def draw(match: re.Match[str]) -> str:
        x, y, between, size = match.groups()
        text = f'<text x="{int(x) + 0.36 * int(size)}" y="{y}" font-size="0px">{between}'
        return f'<g transform="translate({x} {y}) scale({int(size) / 1000})">{glyph}</g>{text}'

    return _TEMPO.sub(draw, svg).replace("–", "-")  # around page numbers; our type has no dash
