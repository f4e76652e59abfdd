"""Sheet music that music21 reads back and that can be looked at."""

import re
import subprocess
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import music21
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from symusic.core import ScoreTick

from core.drawing import sheet
from core.errors import PictureError
from core.music import keys, score
from core.music.metre import COMMON, Metre
from core.music.parts import PartScore, in_parts
from core.music.score import Event, Score
from core.reading import formats, playing
from tests.machine import lacking

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


def heard(data: bytes, format: str) -> set[tuple[Fraction, int]]:
    """Return the (onset in quarters, pitch) that music21 reads, repeats played, from the first note on."""
    stream = music21.converter.parseData(data.decode() if format == "abc" else data, format=format)
    if any(stream.recurse().getElementsByClass("Repeat")):
        stream = stream.expandRepeats()
    found = set()
    for element in stream.flatten().notes:
        if isinstance(element, music21.harmony.ChordSymbol):
            continue
        for note in element.notes if element.isChord else [element]:
            if note.tie is None or note.tie.type == "start":
                found.add((Fraction(element.offset).limit_denominator(64), note.pitch.midi))
    first = min(onset for onset, _ in found)
    return {(onset - first, pitch) for onset, pitch in found}


def composed(piece: Score) -> set[tuple[Fraction, int]]:
    first = piece.events[0].onset
    return {((event.onset - first) * piece.unit, pitch) for event in piece.events for pitch in event.pitches}


@pytest.mark.parametrize("name", SCORES)
def test_music21_reads_the_same_onsets_and_pitches(name: str) -> None:
    piece = SCORES[name]
    assert heard(sheet.sheet(piece).musicxml, "musicxml") == composed(piece)


def played(abc: bytes, folder: Path) -> set[tuple[Fraction, int]]:
    """Return the (onset in quarters, pitch) that abc2midi plays, repeats too, from the first note on."""
    tune, midi = folder / "tune.abc", folder / "tune.mid"
    tune.write_bytes(abc)
    try:
        subprocess.run(["abc2midi", tune, "-quiet", "-NGUI", "-o", midi], check=True, capture_output=True, timeout=20)
    except FileNotFoundError:
        lacking("abc2midi is not installed (Debian: abcmidi).")
    read = ScoreTick.from_file(midi)
    notes = [(note.time, note.pitch) for track in read.tracks for note in track.notes]
    first = min(onset for onset, _ in notes)
    return {(Fraction(onset - first, read.ticks_per_quarter), pitch) for onset, pitch in notes}


TUNE = "r4r4r460r4" + "60r464r467r464r4" * 3 + "67r465r464r460r4" + "60r464r467r464r4" * 3 + "62r459r460r460r4"
AABB = "r4r1" + ("71r1" + "71r274r171r169r2" * 3 + "67r267r3") * 2 + ("74r1" + "79r279r278r2" * 3 + "67r267r3") * 2


@pytest.mark.parametrize(("text", "unit", "metre"), [(TUNE, SIXTEENTHS, COMMON), (AABB, EIGHTHS, Metre(3, 4))])
def test_a_tune_with_repeats_is_read_back_from_musicxml_and_from_abc(
    text: str, unit: Fraction, metre: Metre, tmp_path: Path
) -> None:
    piece = score.from_text(text, "lowest", unit, metre)
    made = sheet.sheet(piece, title="A tune", composer="Cadenza, test, seed 1")
    assert made.abc is not None
    assert b":|" in made.abc
    assert heard(made.musicxml, "musicxml") == composed(piece)
    assert (b"\nR:waltz\n" in made.abc) == (metre == Metre(3, 4))
    assert played(made.abc, tmp_path) == composed(piece)
    [printed] = formats.read(made.abc, "tune.abc").pieces
    again = playing.play(printed, "all").score(unit)
    assert composed(again) == composed(piece)
    assert b'repeat direction="backward"' in made.musicxml


def test_abc_is_read_by_music21_to_the_same_notes() -> None:
    piece = score.from_text("67r271r174r366r170r368r161r1r4r4" * 2, "lowest", SIXTEENTHS)
    made = sheet.sheet(piece)
    assert made.abc is not None
    assert heard(made.abc, "abc") == composed(piece)


def test_a_double_stop_in_a_tune_hangs_on_one_stem_and_lasts_as_long_as_its_note() -> None:
    text = "72r1" + "74r176r178r176r1" * 4 + "74-3r174r276r4r4"
    piece = score.from_text(text, "highest", EIGHTHS)
    engraved = sheet.sheet(piece)
    assert engraved.abc is not None
    assert b"[Bd]d2" in engraved.abc.replace(b" ", b"")
    assert heard(engraved.abc, "abc") == heard(engraved.musicxml, "musicxml") == composed(piece)
    assert b"<voice>2" not in engraved.musicxml


def test_the_tempo_of_a_tune_stands_beside_its_title_where_no_chord_symbol_does() -> None:
    def has_tempo_above(name: str) -> bool:
        [page, *_] = sheet.sheet(SCORES[name], title="A piece", composer="Cadenza").pages
        return bool((opened(page)[:70, :250] < 128).any())

    assert has_tempo_above("melody")
    assert not has_tempo_above("phrase")


def test_chord_symbols_are_as_near_to_the_first_system_as_to_the_others() -> None:
    [page] = sheet.sheet(score.from_text(AABB, "lowest", EIGHTHS, Metre(3, 4)), title="A tune", composer="C").pages
    ink = opened(page) < 128
    lines = np.flatnonzero(ink.mean(1) > 0.8)  # of the staves
    tops = [line for line, before in zip(lines, [-100, *lines], strict=False) if line - before > 30]
    gaps = [int(np.flatnonzero(~ink[:top, 120:].any(1))[-1]) for top in tops]
    distances = [top - gap for top, gap in zip(tops, gaps, strict=True)]
    assert max(distances) - min(distances) < 30


def test_the_second_half_of_a_bar_that_repeats_part_has_no_number() -> None:
    piece = score.from_text(AABB, "lowest", EIGHTHS, Metre(6, 8))
    measures = ElementTree.fromstring(sheet.sheet(piece).musicxml).iter("measure")
    halves = [measure for measure in measures if measure.get("number", "").endswith("b")]
    assert halves
    assert all(measure.get("implicit") == "yes" for measure in halves)


def test_a_chorale_has_musicxml_of_four_parts_and_two_staves_on_the_page() -> None:
    piece = score.from_text("43-16-19-24r245-15-19-24r247-15-20r245-12-16-21r2" * 2, "lowest", EIGHTHS)
    root = ElementTree.fromstring(sheet.sheet(piece).musicxml)
    assert [part.text for part in root.iter("part-name")] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert sheet.sheet(piece).abc is None


def test_parts_have_their_fermatas_and_roman_numerals() -> None:
    lines = [
        [(72, 0, 4), (74, 4, 6), (72, 6, 8)],
        [(67, 0, 8)],
        [(64, 0, 4), (59, 4, 6), (64, 6, 8)],
        [(48, 0, 4), (43, 4, 6), (48, 6, 8)],
    ]
    piece = PartScore(in_parts(lines), 8, EIGHTHS, fermatas=(6,), key="C major")
    made = sheet.sheet(piece, numerals=True)
    root = ElementTree.fromstring(made.musicxml)
    assert len(list(root.iter("fermata"))) == 3
    assert [lyric.findtext("text") for lyric in root.iter("lyric")] == ["I", "V", "I"]


def test_the_pdf_is_a_page_of_a4_for_each_picture_with_lines_and_no_pixels() -> None:
    made = sheet.sheet(SCORES["phrase"], title="Phrase")
    assert made.pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", made.pdf)) == len(made.pages)
    assert b"/Subtype /Image" not in made.pdf
    assert b"595.28 841.89" in made.pdf


def test_the_composer_has_a_line_and_the_tempo_words() -> None:
    made = sheet.sheet(SCORES["jig"], composer="Cadenza, fiddle, seed 7", tempo=180)
    root = ElementTree.fromstring(made.musicxml)
    assert root.findtext("identification/creator") == "Cadenza, fiddle, seed 7"
    assert [words.text for words in root.iter("words")] == ["Allegro"]
    assert root.find(".//metronome/beat-unit-dot") is not None
    bare = sheet.sheet(SCORES["jig"], tempo=180)
    assert (opened(made.pages[0])[:80, 900:] < 128).sum() > (opened(bare.pages[0])[:80, 900:] < 128).sum()


def test_a_mixolydian_tune_has_the_signature_that_needs_no_accidentals() -> None:
    piece = score.from_text("69r469r271r273r271r269r267r264r267r269r267r266r267r2" + "69r4r4r4r4", "lowest", SIXTEENTHS)
    root = ElementTree.fromstring(sheet.sheet(piece).musicxml)
    assert next(key.findtext("fifths") for key in root.iter("key")) == "2"
    assert not list(root.iter("accidental"))


def test_what_is_in_no_key_has_no_signature() -> None:
    chromatic = "".join(f"{54 + 7 * place % 24}-{3 + place % 3}r2" for place in range(32))
    root = ElementTree.fromstring(sheet.sheet(score.from_text(chromatic, "lowest", EIGHTHS)).musicxml)
    assert {key.findtext("fifths") for key in root.iter("key")} == {"0"}


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
    events = tuple(Event(2 * place, (48, 60 + place * place % 23)) for place in range(256))
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

    assert clefs("wide chords") == ["G", "F"]
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
