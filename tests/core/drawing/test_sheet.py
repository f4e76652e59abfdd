"""Sheet music that music21 reads back and that can be looked at."""

from collections import Counter
from fractions import Fraction
from io import BytesIO
from xml.etree import ElementTree

import music21
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.drawing import sheet
from core.errors import PictureError
from core.music import keys, score
from core.music.metre import Metre
from core.music.score import Event, Score

EIGHTHS, SIXTEENTHS = Fraction(1, 2), Fraction(1, 4)

PHRASE = "r250-7-16-24r243-16-19-24r174r145-16-19-24r149r150-7-16-24r4r457-5-9r2"  # in D, with a rest before it
JIG_BAR = "72r171r169r167r269r1"
SCORES = {
    "phrase": score.from_text(PHRASE * 3, "lowest", EIGHTHS),
    "melody": score.from_text("r172r177r179r181r2r181r177r2r172r177r179r4r4r4r460r1", "lowest", SIXTEENTHS),
    "wide chords": score.from_text("21-12-24-36-48-60-72-87r34-120r1r4r4" * 3, "lowest", EIGHTHS),
    "one quarter": score.from_text("60r1", "lowest", Fraction(1)),
    "bass": score.from_text("40-7r338r141r4" * 4, "lowest", SIXTEENTHS),
    "jig": score.from_text(
        "r4r4r272r267r269r271r4r172r169r4r2r4r4r464-12r267r272r2" * 3, "lowest", SIXTEENTHS, Metre(6, 8)
    ),
    "slip jig": score.from_text(JIG_BAR * 4 + "r4r4r4r4r4r4r460r4", "lowest", EIGHTHS, Metre(9, 8)),
    "12/8": score.from_text(JIG_BAR * 8, "lowest", EIGHTHS, Metre(12, 8)),
    "waltz": score.from_text("48r160-4-7r260-4-7r150r157-5-9r4" * 4, "lowest", EIGHTHS, Metre(3, 4)),
    "3/2": score.from_text("48-12r4r460r4r4r4r462r4" * 2, "lowest", SIXTEENTHS, Metre(3, 2)),
}


def opened(png: bytes) -> NDArray[np.uint8]:
    with Image.open(BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("L"))


@pytest.mark.parametrize("name", SCORES)
def test_music21_reads_the_same_onsets_and_pitches(name: str) -> None:
    piece = SCORES[name]
    stream = music21.converter.parseData(sheet.sheet(piece).musicxml, format="musicxml")
    found: Counter[tuple[Fraction, int]] = Counter()
    for element in stream.flatten().notes:
        for note in element.notes if element.isChord else [element]:
            if note.tie is None or note.tie.type == "start":
                found[Fraction(element.offset), note.pitch.midi] += 1
    assert found == Counter((event.onset * piece.unit, pitch) for event in piece.events for pitch in event.pitches)


@pytest.mark.parametrize("name", SCORES)
def test_every_page_has_ink_on_white(name: str) -> None:
    for page in sheet.sheet(SCORES[name], title=name).pages:
        pixels = opened(page)
        assert pixels.shape[1] == 1400
        assert pixels[0, 0] == 255
        assert 0.01 < (pixels < 128).mean() < 0.3


def test_eighths_of_a_jig_are_beamed_by_dotted_quarters() -> None:
    jig = score.from_text("72r171r169r167r169r171r1" * 2, "lowest", EIGHTHS, Metre(6, 8))
    root = ElementTree.fromstring(sheet.sheet(jig).musicxml)
    assert (root.findtext(".//time/beats"), root.findtext(".//time/beat-type")) == ("6", "8")
    assert [beam.text for beam in root.iter("beam")] == ["begin", "continue", "end"] * 4


def test_long_pieces_take_more_pages_with_their_numbers_between_dashes() -> None:
    events = tuple(Event(2 * place, (48, 60 + place % 12)) for place in range(256))
    _, second, *_ = sheet.sheet(Score(events, 512, EIGHTHS)).pages
    header = opened(second)[:60] < 128
    left = int(np.argmax(header.any(0)))
    assert header[:, left : left + 4].any(1).sum() < 5  # a dash, and not the box that stands for a missing sign


def test_the_signature_is_that_of_the_key_that_is_told() -> None:
    for transposition in range(-6, 6):
        piece = SCORES["phrase"].transposed(transposition)
        told = music21.key.Key(*_spoken(keys.key_of(piece)))
        root = ElementTree.fromstring(sheet.sheet(piece).musicxml)
        assert next(key.findtext("fifths") for key in root.iter("key")) == str(told.sharps)


def _spoken(key: str) -> tuple[str, str]:
    tonic, mode = key.replace("♯", "#").replace("♭", "-").split()
    return tonic, mode


def test_the_key_is_found_and_signed() -> None:
    root = ElementTree.fromstring(sheet.sheet(SCORES["phrase"]).musicxml)
    assert next(key.findtext("fifths") for key in root.iter("key")) == "2"
    assert not list(root.iter("accidental"))


def test_a_wide_range_takes_two_staves_and_a_narrow_one_its_own_clef() -> None:
    def clefs(name: str) -> list[str | None]:
        root = ElementTree.fromstring(sheet.sheet(SCORES[name]).musicxml)
        return [clef.findtext("sign") for clef in root.iter("clef")]

    assert clefs("phrase") == ["G", "F"]
    assert clefs("melody") == ["G"]
    assert clefs("bass") == ["F"]


def test_title_and_tempo_are_written_and_drawn() -> None:
    title = '<b>"Fugue" & Co.\x00\n</b>'
    bare, titled = (sheet.sheet(SCORES["melody"], title=text, tempo=71.6) for text in ("", title))
    root = ElementTree.fromstring(titled.musicxml)
    assert root.findtext("work/work-title") == '<b>"Fugue" & Co. </b>'
    assert [mark.text for mark in root.iter("per-minute")] == ["72"]
    assert (opened(titled.pages[0])[:100] < 128).sum() > (opened(bare.pages[0])[:100] < 128).sum()


def test_the_same_score_gives_the_same_bytes() -> None:
    assert sheet.sheet(SCORES["phrase"], title="a") == sheet.sheet(SCORES["phrase"], title="a")


def test_a_score_without_notes_is_refused() -> None:
    with pytest.raises(PictureError, match="no notes"):
        sheet.sheet(Score((), 0, EIGHTHS))
