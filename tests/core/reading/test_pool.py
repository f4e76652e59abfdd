"""What reading refuses and with which sentence, and where it can be stopped."""

import io
import os
import signal
import struct
import zipfile
from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import ReadingError
from core.music.piece import Budget
from core.music.score import to_text
from core.reading.formats import read
from core.reading.playing import play
from core.reading.pool import Readers, read_safely
from tests.core.examples import OLD_HUNDREDTH, file
from tests.processes import children

HALF = Fraction(1, 2)


def refusal(data: bytes, name: str = "piece.mid", budget: Budget | None = None) -> ReadingError:
    with pytest.raises(ReadingError) as caught:
        _ = [play(printed) for printed in read(data, name, budget).pieces]
    sentence = str(caught.value)
    assert sentence[0].isupper(), sentence
    assert sentence.endswith("."), sentence
    return caught.value


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


def metre(numerator: int, power: int) -> bytes:
    """Write a time signature; the second number is a power of two."""
    return bytes([0x00, 0xFF, 0x58, 4, numerator, power, 24, 8])


LONGEST = 0x0FFFFFFF
WALTZ = metre(3, 2)
SLOW = b"\x00\xff\x51\x03\xff\xff\xff"


@pytest.mark.parametrize(
    ("data", "kind", "says"),
    [
        (b"", "empty", "empty"),
        (b"  \n", "empty", "empty"),
        (b"just a text", "damaged", "ends in .mid but holds nothing of the kind"),
        (midi(notes(9))[:-5], "damaged", "cut off within track 1"),
        (b"MThd\x00\x00\x00\x06\x00", "damaged", "within its header"),
        (midi(notes(9), form=2), "MIDI format 2", "format 2"),
        (midi(notes(9), division=0xE728), "SMPTE time", "SMPTE"),
        (midi(notes(9), division=0), "damaged", "no ticks"),
        (midi(notes(1), tracks=65), "too many tracks", "65 tracks; at most 64"),
        (midi(notes(0)), "no notes", "no notes"),
        (midi(notes(9, channel=9)), "only percussion", "drums"),
        (midi(notes(20_001, delta=1)), "too many notes", "20,001 notes; at most 20,000"),
        (midi(notes(1, delta=LONGEST)), "too long", "quarter notes; at most 4,096"),
        (midi(notes(16, delta=LONGEST)), "too long", "weeks"),  # a clock of 32 bits would be back at 0
        (midi(SLOW + notes(80, delta=480)), "too long", "22 minutes; at most 10"),
        (midi(WALTZ + notes(9)), "metre 3/4", "is in 3/4; only pieces in two or four are read"),
        (midi(notes(1, delta=480)[:-4] + WALTZ + notes(1)), "metre 3/4", "is in 3/4 for 33% of its time"),
        (midi(metre(4, 8) + notes(9)), "damaged", "reads 4/0"),
        (midi(metre(0, 2) + notes(9)), "damaged", "reads 0/4"),
        (midi(metre(4, 2) + metre(3, 2) + notes(9)), "metre 3/4", "is in 3/4; only pieces in two or four are read"),
        (midi(b"\x00\x90\x3c"), "damaged", "cannot be read"),
    ],
)
def test_midi_refusals_say_what_is_wrong(data: bytes, kind: str, says: str) -> None:
    error = refusal(data)
    assert str(error.kind) == kind
    assert says in str(error)


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (midi(WALTZ + metre(4, 2) + notes(9)), 9),  # the latest at a moment holds
        (midi(notes(9)[:-4] + WALTZ + notes(0)), 9),  # behind the last note
        (midi(notes(9), tracks=2) + bytes(12), 18),
        (midi(notes(9), tracks=2) + b"\xff" * 12, 18),
        (midi(notes(9), tracks=2) + b"MTrk" + b"\xff" * 12, 18),
        (midi(notes(9))[:11] + b"\x02" + midi(notes(9))[12:] + b"\xff" * 12, 9),  # declares one more
        (midi(notes(9))[:14] + b"XFIH\x00\x00\x00\x04abcd" + midi(notes(9))[14:], 9),
    ],
)
def test_what_does_not_touch_the_music_of_a_midi_file_is_left_out(data: bytes, count: int) -> None:
    (piece,) = read(data, "piece.mid").pieces
    assert len(piece.onsets) == count
    assert {bar.signature for bar in piece.bars} == {"4/4"}


def strikes(*moments: int) -> bytes:
    """Write a note at each moment, in ticks, that nothing ends."""
    deltas = zip(moments, (0, *moments), strict=False)
    return b"".join(number(now - before) + b"\x90\x3c\x40" for now, before in deltas) + b"\x00\xff\x2f\x00"


@pytest.mark.parametrize(
    "track",
    [
        strikes(0, 480, 960),  # without note-offs
        b"\x00\x90\x3c\x40\x83\x60\x90\x3c\x40\x83\x60\x90\x3c\x40\x83\x60\x80\x3c\x00\x00\xff\x2f\x00",  # with one
    ],
)
def test_an_onset_is_an_onset_whatever_ends_it(track: bytes) -> None:
    (piece,) = read(midi(track), "piece.mid").pieces
    assert piece.onsets.tolist() == [0, 480, 960]


def test_thousands_of_notes_that_nothing_ends_are_counted() -> None:
    assert str(refusal(midi(strikes(*range(20_001)))).kind) == "too many notes"
    assert len(read(midi(strikes(*range(20_000))), "a.mid").pieces[0].onsets) == 20_000


@pytest.mark.parametrize(("first", "second"), [((3, 2), (4, 2)), ((4, 2), (3, 2))])
def test_of_two_time_signatures_at_once_the_music_agrees_with_one(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    bass = b"".join(
        b"\x00\x90\x30\x40\x83\x60\x80\x30\x00" + b"\x83\x60\x90\x3c\x40\x83\x60\x80\x3c\x00" for _ in range(8)
    )
    (piece,) = read(midi(metre(*first) + metre(*second) + bass + b"\x00\xff\x2f\x00"), "a.mid").pieces
    assert [bar.signature for bar in piece.bars] == ["3/4"]


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
        (xml("<beats>4</beats>", "<beats>3</beats>"), "metre 3/4", "is in 3/4;"),
        (xml("<beats>4</beats>", "<beats>2+3</beats>"), "metre", "is in 2/4+3/4, in which bars cannot"),
        (xml("<beats>4</beats>", "<beats>four</beats>"), "damaged", "time signature"),
        (xml("<duration>4</duration>", "<duration>999999999</duration>"), "too long", "quarter notes; at most 4,096"),
        (xml("<duration>4</duration>", "<duration>1e999999999</duration>"), "damaged", "not a duration"),
        (xml("<divisions>2</divisions>", "<divisions>0</divisions>"), "damaged", "no divisions"),
        (xml("<fifths>1</fifths>", "<fifths>10000000</fifths>"), "damaged", "it has '10000000' fifths"),
        (xml("<beats>4</beats>", "<beats>99999</beats>"), "damaged", "time signature"),
        (xml("<octave>2</octave>", "<octave>99</octave>"), "out of range", "outside MIDI's range"),
        (xml("<step>B</step>", "<step>Q</step>"), "damaged", "music21"),
        (xml("<note>", "<note>" + "<dot/>" * 9 + "</note><note>" * 1500), "too many notes", "20,000"),
    ],
)
def test_musicxml_refusals_say_what_is_wrong(data: bytes, kind: str, says: str) -> None:
    error = refusal(data, "piece.musicxml")
    assert str(error.kind) == kind
    assert says in str(error)


def packed(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def test_mxl_bombs_and_odd_archives_are_refused() -> None:
    assert str(refusal(packed(a__xml=b" " * (40 << 20)), "bomb.mxl").kind) == "file too large"
    assert str(refusal(packed(a__txt=b"hello"), "text.mxl").kind) == "not music"
    assert str(refusal(file("old_hundredth.mxl")[:-30], "cut.mxl").kind) == "damaged"
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
        ("X:1\nM:6/8\nK:C\nABc|\n\nX:2\nM:3/4\nK:C\nABc|", "metre 6/8", "is in 6/8;"),
    ],
)
def test_abc_refusals_say_what_is_wrong(tune: str, kind: str, says: str) -> None:
    error = refusal(tune.encode(), "tune.abc")
    assert str(error.kind) == kind
    assert says in str(error)


def test_a_tune_book_may_be_as_long_as_books_are() -> None:
    tune = b"X:1\nM:4/4\nK:C\nCDEF|\n"
    error = refusal(tune * 20_000, "book.abc")
    assert str(error.kind) == "too many tunes"
    assert str(error).startswith("There are 20,000 tunes; at most 2,000 are read.")
    assert Budget().tunes >= 1_850  # O'Neill's Music of Ireland
    assert len(read(tune * 3, "book.abc", Budget(tunes=3)).pieces) == 3
    assert str(refusal(tune * 4, "book.abc", Budget(tunes=3)).kind) == "too many tunes"


@pytest.mark.parametrize("junk", [b"{", b"}", b"[K:", b"@", b"[M:4/4]"])
def test_what_is_no_music_in_a_tune_takes_no_time(junk: bytes) -> None:
    tune = b"X:1\nM:4/4\nL:1/4\nK:C\n" + junk * (900_000 // len(junk))
    with pytest.raises(ReadingError) as caught:
        read_safely(tune, "tune.abc", deadline_seconds=60)
    assert str(caught.value.kind) != "took too long"


@pytest.mark.parametrize(
    ("line", "kind"),
    [("99999999999c", "damaged"), ("1%99999c", "damaged"), ("4" + "c" * 60, "out of range")],
)
def test_humdrum_refusals_say_what_is_wrong(line: str, kind: str) -> None:
    assert str(refusal(f"**kern\n*M4/4\n=1\n{line}\n4c\n*-\n".encode(), "a.krn").kind) == kind


def test_humdrum_in_three_is_refused() -> None:
    waltz = "".join(f"={bar}\n4c\n4d\n4e\n" for bar in range(1, 5))
    assert str(refusal(f"**kern\n*M3/4\n{waltz}*-\n".encode(), "a.krn").kind) == "metre 3/4"


def test_files_over_the_budget_are_not_even_opened() -> None:
    assert str(refusal(b"MThd" + bytes(1 << 20)).kind) == "file too large"
    assert str(refusal(file("old_hundredth.mid"), budget=Budget(notes=30)).kind) == "too many notes"


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
            assert play(found, "all").score(HALF).events


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
    assert to_text(play(reading.pieces[0]).score(HALF), "lowest") == OLD_HUNDREDTH
    with pytest.raises(ReadingError, match="SMPTE") as caught:
        read_safely(midi(notes(9), division=0xE728), "a.mid")
    assert str(caught.value.kind) == "SMPTE time"


def test_a_reader_that_hangs_or_dies_is_replaced() -> None:
    before = children()
    with Readers(1, Budget(), deadline_seconds=600) as readers:
        assert readers.submit(file("old_hundredth.mid"), "a.mid").result()
        (first,) = children() - before
        os.kill(first, signal.SIGKILL)
        assert readers.submit(file("old_hundredth.mid"), "a.mid").result()
        (second,) = children() - before
        assert second != first
    with Readers(1, Budget(), deadline_seconds=0.02) as readers:
        late = readers.submit(file("old_hundredth.mxl"), "a.mxl").exception()
        assert isinstance(late, ReadingError)
        assert str(late.kind) == "took too long"
