"""Reading files: every format to the same notes."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import symusic
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ReadingError
from core.music.metre import COMMON
from core.music.notation import Anchor, pitches
from core.music.piece import Piece, unpack
from core.music.score import UNITS, Event, to_ids, to_text
from core.reading.formats import read
from core.reading.playing import play
from tests.core.examples import OLD_HUNDREDTH, file

HALF = Fraction(1, 2)


PART = """<part id="{name}"><measure number="1"><attributes><divisions>1</divisions></attributes>
<note><pitch><step>{step}</step><octave>{octave}</octave></pitch><duration>2</duration>{fermata}</note>
<note><pitch><step>{step}</step><octave>{octave}</octave></pitch><duration>2</duration></note></measure></part>"""
FERMATA = "<notations><slur type='start'/><fermata/></notations>"


def choir(*names: str) -> bytes:
    """Write two half notes for each part, of which the first has a fermata if the name has a star."""
    heads = "".join(f'<score-part id="{name}"><part-name>{name.strip("*")}</part-name></score-part>' for name in names)
    parts = [
        PART.format(name=name, step=step, octave=octave, fermata=FERMATA if name.endswith("*") else "")
        for name, (step, octave) in zip(names, [("G", 5), ("C", 5), ("G", 4), ("E", 4), ("C", 3)], strict=False)
    ]
    return f"<score-partwise><part-list>{heads}</part-list>{''.join(parts)}</score-partwise>".encode()


def test_of_a_choir_with_instruments_the_voices_are_read() -> None:
    (piece,) = read(choir("Oboe*", "Soprano", "Alto", "Tenor", "Basso continuo"), "a.musicxml").pieces
    assert 79 in piece.pitches  # there is no bass
    (piece,) = read(choir("Oboe*", "Soprano", "Alto", "Tenor", "Bass"), "a.musicxml").pieces
    assert to_text(play(piece).score(HALF), "lowest") == "48-16-19-24r448-16-19-24r4"
    assert play(piece).phrase_ends(HALF) == (4,)  # the fermata stands in the score, whoever has it
    (piece,) = read(choir("Oboe", "Soprano*", "Alto", "Tenor*", "Bass"), "a.musicxml").pieces
    assert play(piece).phrase_ends(HALF) == (4,)


@pytest.mark.parametrize("ending", ["mid", "musicxml", "mxl", "krn"])
def test_every_format_gives_the_same_piece(ending: str) -> None:
    (piece,) = read(file(f"old_hundredth.{ending}"), f"old_hundredth.{ending}").pieces
    assert to_text(play(piece).score(HALF), "lowest") == OLD_HUNDREDTH
    assert play(piece).metre == COMMON
    assert piece.title == ("old_hundredth" if ending == "mid" else "Old Hundredth")


def test_a_tune_book_gives_its_tunes_and_says_why_not_the_others() -> None:
    reading = read(file("tunes.abc"), "tunes.abc")
    assert [piece.title for piece in reading.pieces] == [
        "Old Hundredth",
        "A Reel in the Old Style",
        "March, with a Change of Key",
        "Polka",
        "A Jig",
        "A Waltz that Begins as a March",
    ]
    assert to_text(play(reading.pieces[0]).score(HALF), "lowest") == OLD_HUNDREDTH  # two voices, a tie, a grace note
    assert not reading.refusals
    for tune, kind, reason in zip(
        reading.pieces[4:],
        ("metre 6/8", "metre 3/4"),
        (
            "The piece is in 6/8; only pieces in two or four are read.",
            "The piece is in 3/4 for 60% of its time, and not in the metre of the rest. Cut it into parts.",
        ),
        strict=True,
    ):
        with pytest.raises(ReadingError) as caught:
            play(tune)
        assert (str(caught.value.kind), str(caught.value)) == (kind, reason)


def test_abc_keeps_decorations_and_chord_symbols_out_and_inline_keys_in() -> None:
    reel, march, polka = read(file("tunes.abc"), "tunes.abc").pieces[1:4]
    quarters = (reel.onsets / reel.ticks_per_quarter).round(3).tolist()
    assert list(zip(quarters, reel.pitches.tolist(), strict=True))[21:26] == [
        (12.0, 76),  # a triplet
        (12.333, 78),
        (12.667, 79),
        (13.0, 76),
        (13.5, 73),
    ]
    assert to_text(play(march).score(Fraction(1, 4)), "lowest").endswith(
        "78r274-2r274r457-5-9r457-5r4"
    )  # F sharp by [K:D]
    first = to_text(play(polka).score(Fraction(1, 4)), "lowest")
    assert first.startswith("r4r4r467r269r270r474r4")  # no fingering, staccato, up-bow; an upbeat of half a bar in two


def test_abc_counts_bars_of_rest_and_unites_what_returns_to_a_voice() -> None:
    tune = b"X:1\nM:4/4\nL:1/4\nK:C\n[V:a]c d e f|\n[V:b]Z|\n[V:a]g a b c'|\n[V:b]C2 G,2|x2 y E2|\n"
    (piece,) = read(tune, "two.abc").pieces
    assert to_text(play(piece).score(Fraction(1)), "lowest") == "72r174r176r177r160-19r181r155-28r184r364r2"


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


@pytest.mark.parametrize(
    ("music", "pitches"),
    [
        ("^F F =F F|F4|", "66r166r165r165r165r4"),  # until the bar line
        ("^F f ^f F|", "66r177r178r166r1"),  # in its octave
        ("^F4-|F2 F2|", "66r4r265r2"),  # over the bar line with its tie, and no further
        ("[^CE]2 C2|[^CE]4-|[CE]2 C2|", "61-3r261r261-3r4r260r2"),
        ("^F2 z2::F2 __B B|", "66r466r4" + "65r269r169r1"),
    ],
)
def test_abc_accidentals_hold_until_the_bar_ends(music: str, pitches: str) -> None:
    (piece,) = read(f"X:1\nM:4/4\nL:1/4\nK:C\n{music}\n".encode(), "a.abc").pieces
    assert to_text(play(piece).score(Fraction(1)), "lowest") == pitches


@pytest.mark.parametrize(
    ("fields", "pitch"),
    [
        ("K:C clef=bass", 65),
        ("K:C alto middle=C", 65),
        ("K:treble", 65),
        ("K:D treble-8", 54),
        ("K:C octave=1", 77),
        ("K:Am transpose=-2", 63),
        ("V:1 clef=bass octave=-1\nK:C\n[V:1]", 53),
        ("K:D\nK:clef=bass\n", 66),
    ],
)
def test_abc_clefs_leave_the_key_and_say_how_high_it_sounds(fields: str, pitch: int) -> None:
    tune = f"X:1\nM:2/4\nL:1/4\n{fields}\nF F|F F|\n"
    (piece,) = read(tune.replace("]\n", "]").encode(), "a.abc").pieces
    assert set(piece.pitches.tolist()) == {pitch}


def test_abc_takes_no_words_for_notes() -> None:
    tune = b'X:1\nM:4/4\nL:1/4\nK:C\n%%begintext\nABC def\n%%endtext\n"50%"C D E F|G4| % A4|\nw:la\n+:a b c\nc4|\n'
    (piece,) = read(tune, "a.abc").pieces
    assert to_text(play(piece).score(Fraction(1)), "lowest") == "60r162r164r165r167r472r4"


def test_voices_of_a_part_keep_their_ties_apart() -> None:
    def note(voice: int, quarters: int, pitch: str, tie: str = "") -> str:
        tied = "".join(f'<tie type="{kind}"/>' for kind in tie.split())
        return (
            f"<note><pitch><step>{pitch}</step><octave>4</octave></pitch><duration>{quarters}</duration>{tied}"
            f"<voice>{voice}</voice></note>"
        )

    back = "<backup><duration>4</duration></backup>"
    first = note(1, 2, "E") + note(1, 2, "G", "start") + back
    first += note(2, 1, "G", "start") + note(2, 1, "G", "stop") + note(2, 2, "G", "start")
    second = note(1, 4, "G", "stop") + back + note(2, 4, "G", "stop")
    attributes = (
        "<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
    )
    bars = f'<measure number="1">{attributes}{first}</measure><measure number="2">{second}</measure>'
    parts = '<part-list><score-part id="P1"><part-name/></score-part></part-list>'
    score = f'<score-partwise>{parts}<part id="P1">{bars}</part></score-partwise>'
    (piece,) = read(score.encode(), "a.musicxml").pieces
    assert to_text(play(piece).score(Fraction(1)), "lowest") == "64-3r267r4r2"


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
    return Piece("a", np.array(onsets, np.int64), np.array(pitches, np.int16), ticks, length)


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
        assert (before.title, before.length, before.bars) == (after.title, after.length, after.bars)
        assert (before.names, before.fermatas) == (after.names, after.fermatas)
        for column in ("onsets", "pitches", "lengths", "parts"):
            assert np.array_equal(getattr(before, column), getattr(after, column))


def signed(*signatures: tuple[int, int, int]) -> bytes:
    """Write a MIDI file of 64 quarters with time signatures at ticks of a quarter's 480."""
    made: Any = symusic.Score(480)
    made.time_signatures.extend([symusic.TimeSignature(*signature) for signature in signatures])
    track: Any = symusic.Track("", 0, False)
    track.notes.extend([symusic.Note(480 * place, 480, 60 + place % 5, 80) for place in range(64)])
    made.tracks.append(track)
    written: bytes = made.dumps_midi()
    return written


def test_a_file_that_knows_its_beats_and_not_its_bars_is_in_common_time() -> None:
    for signatures in ([(0, 1, 4)], [(0, 4, 4), (0, 1, 4)], [(0, 1, 4), (480, 1, 4)]):
        (piece,) = read(signed(*signatures), "a.mid").pieces
        assert play(piece).metre == COMMON
    (pickup,) = read(signed((0, 1, 4), (480, 4, 4)), "a.mid").pieces
    assert play(pickup).onsets[:2].tolist() == [3 * 480, 4 * 480]


def test_what_is_late_as_a_whole_is_moved_and_says_so_after_packing() -> None:
    made: Any = symusic.Score.from_midi(signed((0, 4, 4)))
    late = made.shift_time(137).dumps_midi()
    reading = unpack(read(late, "late.mid").pack())
    assert (reading.pieces[0].late, reading.pieces[0].swing) == (137, 0)
    assert play(reading.pieces[0]).onsets[:3].tolist() == [0, 480, 960]
