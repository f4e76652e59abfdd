"""Reading files: every format to the same notes, and every refusal with its sentence."""

import io
import math
import os
import signal
import struct
import time
import zipfile
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import ReadingError
from core.notation import Anchor, pitches
from core.piece import Budget, Piece, unpack
from core.reading import read
from core.reading_apart import Readers, read_safely
from core.score import UNITS, Event, to_ids, to_text

DATA = Path(__file__).parent.parent / "data"
HALF = Fraction(1, 2)
OLD_HUNDREDTH = (
    "r4r255-12r255-12r250-16r252-12r247-15r252-15r250-19r243-28r455r255-16r250-21r243-28r250-19r148r147-20r248-24r4"
)


def file(name: str) -> bytes:
    return (DATA / name).read_bytes()


def refusal(data: bytes, name: str = "piece.mid", budget: Budget | None = None) -> ReadingError:
    with pytest.raises(ReadingError) as caught:
        read(data, name, budget)
    sentence = str(caught.value)
    assert sentence[0].isupper(), sentence
    assert sentence.endswith("."), sentence
    return caught.value


# --- what the formats give ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["mid", "musicxml", "mxl", "krn"])
def test_every_format_gives_the_same_piece(ending: str) -> None:
    (piece,) = read(file(f"old_hundredth.{ending}"), f"old_hundredth.{ending}").pieces
    assert to_text(piece.score(HALF), "lowest") == OLD_HUNDREDTH
    assert piece.metres == ("4/4",)
    assert piece.title == ("old_hundredth" if ending == "mid" else "Old Hundredth")


def test_a_tune_book_gives_its_tunes_and_says_why_not_the_others() -> None:
    reading = read(file("tunes.abc"), "tunes.abc")
    assert [piece.title for piece in reading.pieces] == [
        "Old Hundredth",
        "A Reel in the Old Style",
        "March, with a Change of Key",
        "Polka",
    ]
    assert to_text(reading.pieces[0].score(HALF), "lowest") == OLD_HUNDREDTH  # two voices, a tie, a grace note
    assert [(refused.kind, refused.reason) for refused in reading.refusals] == [
        ("metre 6/8", "The piece is in 6/8 at its start; pieces in two or four are read."),
        ("metre 3/4", "The piece is in 3/4 from bar 2 on; pieces in two or four are read."),
    ]


def test_abc_keeps_decorations_and_chord_symbols_out_and_inline_keys_in() -> None:
    reel, march, polka = read(file("tunes.abc"), "tunes.abc").pieces[1:]
    quarters = (reel.onsets / reel.ticks_per_quarter).round(3).tolist()
    assert list(zip(quarters, reel.pitches.tolist(), strict=True))[21:26] == [
        (12.0, 76),  # a triplet
        (12.333, 78),
        (12.667, 79),
        (13.0, 76),
        (13.5, 73),
    ]
    assert to_text(march.score(Fraction(1, 4)), "lowest").endswith("78r274-2r274r457-5-9r457-5r4")  # F sharp by [K:D]
    first = to_text(polka.score(Fraction(1, 4)), "lowest")
    assert first.startswith("r467r269r270r474r4")  # no fingering, staccato, up-bow; an upbeat of half a bar of 2/4


def test_abc_counts_bars_of_rest_and_unites_what_returns_to_a_voice() -> None:
    tune = b"X:1\nM:4/4\nL:1/4\nK:C\n[V:a]c d e f|\n[V:b]Z|\n[V:a]g a b c'|\n[V:b]C2 G,2|x2 y E2|\n"
    (piece,) = read(tune, "two.abc").pieces
    assert to_text(piece.score(Fraction(1)), "lowest") == "72r174r176r177r160-19r181r155-28r184r364r2"


@pytest.mark.parametrize(
    ("key", "pitch"),
    [
        ("D", 66),
        ("Dm", 65),
        ("D dorian", 65),
        ("Emin", 66),
        ("Eb", 65),
        ("F# phr", 66),
        ("HP", 66),
        ("C loc", 65),
        ("none", 65),
    ],
)
def test_abc_knows_the_modes(key: str, pitch: int) -> None:
    (piece,) = read(f"X:1\nM:2/4\nL:1/4\nK:{key}\nF F|F F|\n".encode(), "a.abc").pieces
    assert set(piece.pitches.tolist()) == {pitch}


def test_transposing_instruments_sound_where_they_sound() -> None:
    score = file("old_hundredth.musicxml").decode()
    clarinet = score.replace(
        "</time></attributes>",
        "</time><transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose></attributes>",
    )
    (piece,) = read(clarinet.encode(), "clarinet.musicxml").pieces
    assert (piece.pitches.min(), piece.pitches.max()) == (41, 70)


def test_utf_16_and_latin_1_are_read() -> None:
    score = file("old_hundredth.musicxml").decode().replace("Hundredth", "Hündredth")
    assert read(score.replace("UTF-8", "UTF-16").encode("utf-16"), "a.xml").pieces[0].title == "Old Hündredth"
    tunes = file("tunes.abc").decode().replace("Hundredth", "Hündredth")
    assert read(tunes.encode("latin-1"), "a.abc").pieces[0].title == "Old Hündredth"


def test_the_content_decides_and_not_the_name() -> None:
    assert len(read(file("old_hundredth.mid"), "old.abc").pieces[0].onsets) == 30
    assert read(file("old_hundredth.krn"), "no-ending").pieces[0].title == "Old Hundredth"


# --- pieces ---------------------------------------------------------------------------------------------------------


def piece(onsets: list[int], pitches: list[int], length: int, ticks: int = 480) -> Piece:
    return Piece("a", np.array(onsets, np.int64), np.array(pitches, np.int16), ticks, length, ("4/4",))


def test_a_score_rounds_flattens_and_caps_silences() -> None:
    score = piece([5, 238, 240, 240, 480 * 40], [60, 64, 67, 67, 72], 480 * 41).score(HALF)
    assert score.events == (Event(0, (60,)), Event(1, (64, 67)), Event(17, (72,)))
    assert score.length == 19  # a quarter more, in eighths


@pytest.mark.parametrize("anchor", ["lowest", "highest"])
@given(st.lists(st.tuples(st.integers(0, 9_000), st.integers(0, 127)), min_size=1), st.sampled_from(UNITS))
def test_a_piece_is_written_as_its_score_is(anchor: Anchor, pairs: list[tuple[int, int]], unit: Fraction) -> None:
    pairs.sort()
    some = piece([onset for onset, _ in pairs], [pitch for _, pitch in pairs], pairs[-1][0] + 900)
    ids = some.ids(unit, anchor).tolist()
    assert ids == to_ids(some.score(unit), anchor)
    onsets = {round_half_up(Fraction(onset, 480) / unit) for onset, _ in pairs}
    assert len(some.score(unit).events) == len(onsets)
    assert set(pitches(ids, anchor)) == {pitch for _, pitch in pairs}


def round_half_up(number: Fraction) -> int:
    return math.floor(number + Fraction(1, 2))


def test_a_share_of_onsets_is_on_the_grid() -> None:
    some = piece([0, 120, 240, 480], [60, 60, 60, 60], 960)
    assert [some.on_grid(unit) for unit in (Fraction(1), HALF, Fraction(1, 4))] == [0.5, 0.75, 1.0]


def test_a_reading_survives_packing() -> None:
    reading = read(file("tunes.abc"), "tunes.abc")
    back = unpack(reading.pack())
    assert back.refusals == reading.refusals
    for before, after in zip(reading.pieces, back.pieces, strict=True):
        assert (before.title, before.length, before.metres) == (after.title, after.length, after.metres)
        assert np.array_equal(before.onsets, after.onsets)
        assert np.array_equal(before.pitches, after.pitches)


# --- refusals -------------------------------------------------------------------------------------------------------


def number(value: int) -> bytes:
    """Write a MIDI number of variable length."""
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


def midi(track: bytes, *, form: int = 1, division: int = 480, tracks: int = 1) -> bytes:
    chunk = b"MTrk" + struct.pack(">I", len(track)) + track
    return b"MThd" + struct.pack(">IHHH", 6, form, tracks, division) + chunk * tracks


def notes(count: int, delta: int = 240, channel: int = 0) -> bytes:
    one = bytes([0x00, 0x90 | channel, 60, 64]) + number(delta) + bytes([0x80 | channel, 60, 0])
    return one * count + b"\x00\xff\x2f\x00"


LONGEST = 0x0FFFFFFF
WALTZ = b"\x00\xff\x58\x04\x03\x02\x18\x08"
SLOW = b"\x00\xff\x51\x03\xff\xff\xff"


@pytest.mark.parametrize(
    ("data", "kind", "says"),
    [
        (b"", "empty", "empty"),
        (b"  \n", "empty", "empty"),
        (b"just a text", "damaged", "called .mid but holds nothing of the kind"),
        (midi(notes(9))[:-5], "damaged", "cut off within track 1"),
        (b"MThd\x00\x00\x00\x06\x00", "damaged", "within its header"),
        (midi(notes(9), form=2), "MIDI format 2", "format 2"),
        (midi(notes(9), division=0xE728), "SMPTE time", "SMPTE"),
        (midi(notes(9), division=0), "damaged", "no ticks"),
        (midi(notes(1), tracks=65), "too many tracks", "65 tracks; 64"),
        (midi(notes(0)), "no notes", "no notes"),
        (midi(notes(9, channel=9)), "only percussion", "drums"),
        (midi(notes(20_001, delta=1)), "too many notes", "20,001 notes; 20,000"),
        (midi(notes(1, delta=LONGEST)), "too long", "quarter notes; 4,096"),
        (midi(notes(16, delta=LONGEST)), "too long", "weeks"),  # a clock of 32 bits would be back at 0
        (midi(SLOW + notes(80, delta=480)), "too long", "22 minutes; 10"),
        (midi(WALTZ + notes(9)), "metre 3/4", "in 3/4 at its start"),
        (
            midi(notes(0)[:-4] + bytes([0, 0x90, 60, 64]) + number(4800) + WALTZ[1:] + notes(1)),
            "metre 3/4",
            "quarter note 11",
        ),
        (midi(b"\x00\x90\x3c"), "damaged", "cannot be read"),
    ],
)
def test_midi_refusals_say_what_is_wrong(data: bytes, kind: str, says: str) -> None:
    error = refusal(data)
    assert error.kind == kind
    assert says in str(error)


def xml(old: str, new: str) -> bytes:
    text = file("old_hundredth.musicxml").decode()
    assert old in text
    return text.replace(old, new).encode()


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><score-partwise>&b;&b;</score-partwise>'


@pytest.mark.parametrize(
    ("data", "kind", "says"),
    [
        (BOMB.encode(), "XML entities", "entities"),
        (
            b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><score-partwise>&x;</score-partwise>',
            "XML entities",
            "entities",
        ),
        (b"<html></html>", "not music", "not a MusicXML score"),
        (b"<score-timewise/>", "score-timewise", "score-partwise"),
        (b"<score-partwise/>", "no notes", "no notes"),
        (b"<score-partwise><part>", "damaged", "damaged"),
        (xml("<beats>4</beats>", "<beats>3</beats>"), "metre 3/4", "3/4 in bar 0"),
        (xml("<beats>4</beats>", "<beats>2+3</beats>"), "metre 2+3/4", "2+3/4"),
        (xml("<beats>4</beats>", "<beats>four</beats>"), "damaged", "time signature"),
        (xml("<duration>4</duration>", "<duration>999999999</duration>"), "too long", "quarter notes; 4,096"),
        (xml("<duration>4</duration>", "<duration>1e999999999</duration>"), "damaged", "not a duration"),
        (xml("<divisions>2</divisions>", "<divisions>0</divisions>"), "damaged", "no divisions"),
        (xml("<octave>2</octave>", "<octave>99</octave>"), "out of range", "outside MIDI's range"),
        (xml("<step>B</step>", "<step>Q</step>"), "damaged", "music21"),
        (xml("<note>", "<note>" + "<dot/>" * 9 + "</note><note>" * 1500), "too many notes", "20,000"),
    ],
)
def test_musicxml_refusals_say_what_is_wrong(data: bytes, kind: str, says: str) -> None:
    error = refusal(data, "piece.musicxml")
    assert error.kind == kind
    assert says in str(error)


def packed(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def test_mxl_bombs_and_odd_archives_are_refused() -> None:
    assert refusal(packed(a__xml=b" " * (40 << 20)), "bomb.mxl").kind == "file too large"
    assert refusal(packed(a__txt=b"hello"), "text.mxl").kind == "not music"
    assert refusal(file("old_hundredth.mxl")[:-30], "cut.mxl").kind == "damaged"
    assert read(packed(a__xml=file("old_hundredth.musicxml")), "without_container.mxl").pieces


@pytest.mark.parametrize(
    ("tune", "kind", "says"),
    [
        ("X:1\nM:4/4\nK:C\nA99999999|", "damaged", "line 4"),
        ("X:1\nM:4/4\nL:1\nK:C\n" + "A999|" * 9, "too long", "4,096"),
        ("X:1\nM:4/4\nK:C\n" + "AB" * 20_000, "too many notes", "20,000"),
        ("X:1\nM:4/4\nK:C\nA/0 B|", "damaged", "damaged"),
        ("X:1\nM:4/4\nL:1/0\nK:C\nAB|", "damaged", "unit length"),
        ("X:1\nM:4/4\nK:C\nA2 & B2|", "voice overlay", "&"),
        ("X:1\nM:4/4\nK:C ^f\nAB|", "damaged", "key"),
        ("X:1\nM:4/4\nK:C\n", "no notes", "no music"),
        ("X:1\nM:4/4\nK:C\nz4|", "no notes", "no notes"),
        ("X:1\nM:4/4\nK:C\nc''''''''|", "out of range", "outside MIDI's range"),
        ("X:1\nM:6/8\nK:C\nABc|\n\nX:2\nM:3/4\nK:C\nABc|", "metre 6/8", "None of the 2 tunes"),
    ],
)
def test_abc_refusals_say_what_is_wrong(tune: str, kind: str, says: str) -> None:
    error = refusal(tune.encode(), "tune.abc")
    assert error.kind == kind
    assert says in str(error)


@pytest.mark.parametrize(
    ("line", "kind"),
    [("99999999999c", "damaged"), ("1%99999c", "damaged"), ("4" + "c" * 60, "out of range"), ("*M3/4", "metre 3/4")],
)
def test_humdrum_refusals_say_what_is_wrong(line: str, kind: str) -> None:
    assert refusal(f"**kern\n*M4/4\n=1\n{line}\n4c\n*-\n".encode(), "a.krn").kind == kind


def test_files_over_the_budget_are_not_even_opened() -> None:
    assert refusal(b"MThd" + bytes(1 << 20)).kind == "file too large"
    assert refusal(file("old_hundredth.mid"), budget=Budget(notes=30)).kind == "too many notes"


@pytest.mark.parametrize(
    "name", ["old_hundredth.mid", "old_hundredth.mxl", "old_hundredth.musicxml", "old_hundredth.krn", "tunes.abc"]
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_the_bytes_nothing_but_a_reading_error_is_raised(name: str, data: st.DataObject) -> None:
    content = bytearray(file(name))
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.integers(0, len(content) - 1))
        end = place + data.draw(st.integers(0, 6))
        content[place:end] = data.draw(st.binary(max_size=6))
        if not content:
            break
    with suppress(ReadingError):
        for found in read(bytes(content), name).pieces:
            assert found.score(HALF).events


@given(
    st.sampled_from(["a.mid", "a.mxl", "a.xml", "a.abc", "a.krn", ""]),
    st.binary(max_size=300),
    st.sampled_from([b"", b"MThd", b"<", b"X:1\nK:C\n"]),
)
@settings(max_examples=150, deadline=None)
def test_noise_is_refused(name: str, noise: bytes, head: bytes) -> None:
    with suppress(ReadingError):
        read(head + noise, name)


# --- in a process that can be killed --------------------------------------------------------------------------------


def test_reading_apart_gives_the_same() -> None:
    reading = read_safely(file("old_hundredth.mxl"), "old_hundredth.mxl")
    assert to_text(reading.pieces[0].score(HALF), "lowest") == OLD_HUNDREDTH
    with pytest.raises(ReadingError, match="SMPTE") as caught:
        read_safely(midi(notes(9), division=0xE728), "a.mid")
    assert caught.value.kind == "SMPTE time"


def children() -> set[int]:
    """List the child processes of this one."""
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def test_a_reader_that_hangs_or_dies_is_replaced() -> None:
    before = children()
    with Readers(1, Budget(), deadline_seconds=20) as readers:
        assert readers.submit(file("old_hundredth.mid"), "a.mid").result()
        (first,) = children() - before
        os.kill(first, signal.SIGKILL)
        assert readers.submit(file("old_hundredth.mid"), "a.mid").result()
        (second,) = children() - before
        assert second != first
    with Readers(1, Budget(), deadline_seconds=0.02) as readers:
        started = time.monotonic()
        late = readers.submit(file("old_hundredth.mxl"), "a.mxl").exception()
        assert isinstance(late, ReadingError)
        assert late.kind == "took too long"
        assert time.monotonic() - started < 5
