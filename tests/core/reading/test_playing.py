"""A piece as it is played: its repeats, its upbeats, and the one metre that it is in."""

from fractions import Fraction

import pytest

from core.errors import ReadingError, RequestError
from core.music.metre import Metre
from core.music.piece import Bar, Piece, Printed, printed
from core.music.score import to_text
from core.reading.formats import read
from core.reading.playing import check_metres, play

NAMES = {60: "C", 62: "D", 64: "E", 65: "F", 67: "G", 69: "A", 71: "B"}


def abc(music: str, metre: str = "4/4") -> Printed:
    (tune,) = read(f"X:1\nM:{metre}\nL:1/4\nK:C\n{music}\n".encode(), "tune.abc").pieces
    return tune


def names(piece: Piece) -> str:
    """Name the notes, a word for each bar."""
    bar = int(piece.metre.bar * piece.ticks_per_quarter)
    words = [""] * (int(piece.onsets[-1]) // bar + 1)
    for onset, pitch in zip(piece.onsets.tolist(), piece.pitches.tolist(), strict=True):
        words[onset // bar] += NAMES[pitch]
    return " ".join(words)


@pytest.mark.parametrize(
    ("music", "played"),
    [
        ("C4|D4|", "C D"),
        ("|:C4|D4:|E4|", "C D C D E"),
        ("C4|D4:|E4|F4:|", "C D C D E F E F"),
        ("|:C4|D4::E4|F4:|", "C D C D E F E F"),
        ("|:C4|D4:||:E4|F4:|", "C D C D E F E F"),
        ("C4|D4||E4|F4:|", "C D E F E F"),  # that far back as the double bar
        ("|:C4|D4||E4|F4:|", "C D E F C D E F"),  # but to what opens it first
        ("|:C4|1D4:|2E4|]F4|", "C D C E F"),
        ("|:C4|[1 D4 :|[2 E4 |: F4 :|", "C D C E F F"),
        ("|:C4|1,3D4:|2E4:|F4|", "C D C E C D F"),
        ("|:C4|1-2D4:|3E4|]", "C D C D C E"),
        ("|:C4|D2[1E2:|[2F2||G4|", "C DE C DF G"),  # an ending in mid-bar
        ("|::C4::|D4|", "C C C D"),
        ('C4|D4||E4|F4"D.C."||', "C D E F C D"),  # to where the section ends that it leads to
        ('C4|D4"Fine"|E4||F4!D.C.!|]', "C D E F C D"),
        ('|:C4|D4:|E4|F4"_D.C.":|', "C D C D E F E F C D"),  # repeats first, and not a second time
        ('C4|"^Segno"D4|E4!fine!|F4!D.S.!|]', "C D E F D E"),
        ("C4|D4!dacoda!|E4!D.C.!|!coda!F4|]", "C D E C D F"),
        ("C4|D4||\nV:2\nz4|C4||\n", "C CD"),
        ("[0C4|D4|", "C D"),  # an ending that is no turn's, and nothing else
    ],
)
def test_abc_repeats_are_played(music: str, played: str) -> None:
    piece = play(abc(music))
    assert names(piece) == played
    assert piece.has_repeats == (":" in music.replace("V:", "") or "D." in music)


def test_repeats_can_be_left_as_they_are_printed() -> None:
    tune = abc("|:C4|1D4:|2E4|]")
    assert names(play(tune, as_printed=True)) == "C D E"
    assert not play(tune, as_printed=True).has_repeats


def test_repeats_are_played_as_far_as_64_bars_go() -> None:
    section = "|:" + "C4|" * 15 + "D4:|"
    assert len(play(abc(section * 2)).onsets) == 64
    assert len(play(abc(section * 2 + "E4|")).onsets) == 33  # as printed
    da_capo = section * 2 + 'E4"D.C."|]'
    assert len(play(abc("|:C4|D4:|" + "E4|" * 59 + 'F4"D.C."||')).onsets) == 64  # without da capo
    assert len(play(abc(da_capo)).onsets) == 33


@pytest.mark.parametrize(
    ("music", "text"),
    [
        ("C|D4|E3:|", "r360r162r464r360r162r464r3"),  # the upbeat fills the last bar
        ("C|D4|E2:|", "r360r162r464r360r162r464r2"),  # a bar too short sounds longer
        (
            "D4|E4:|:F|G4|A3:|",
            "62r464r4" + "62r464r3" + 2 * "65r167r469r3",
        ),  # an upbeat takes its time from the note before
        ("C|D4|E2FG:|", "r360r162r464r265r160r162r464r265r167r1"),  # or its place
    ],
)
def test_a_section_begins_on_a_bar_line_or_before_it(music: str, text: str) -> None:
    assert to_text(play(abc(music)).score(Fraction(1)), "lowest") == text


def test_an_upbeat_stands_before_a_bar_as_bars_are_counted() -> None:
    assert to_text(play(abc("C|D2|E2|F2|G|", "2/4")).score(Fraction(1)), "lowest").startswith("r360r162r264r2")
    assert to_text(play(abc("C|D3|E3|F2|", "3/4"), "all").score(Fraction(1)), "lowest").startswith("r260r162r3")


XML_BAR = """<measure number="{n}">{attributes}{left}<note><pitch><step>{step}</step><octave>4</octave></pitch>
<duration>4</duration><type>whole</type></note>{right}</measure>"""
XML_FIRST = "<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"


def musicxml(*bars: tuple[str, str, str]) -> Printed:
    """Read a score of whole notes: what stands left, the step, what stands right of each."""
    music = "".join(
        XML_BAR.format(n=n, attributes=XML_FIRST if n == 1 else "", left=left, step=step, right=right)
        for n, (left, step, right) in enumerate(bars, 1)
    )
    parts = '<part-list><score-part id="P1"><part-name/></score-part></part-list>'
    document = f'<score-partwise>{parts}<part id="P1">{music}</part></score-partwise>'
    return read(document.encode(), "a.musicxml").pieces[0]


FORWARD = '<barline location="left"><repeat direction="forward"/></barline>'
BACKWARD = '<barline location="right"><repeat direction="backward"/></barline>'


def ending(kind: str, number: str, repeat: str = "") -> str:
    return f'<barline><ending number="{number}" type="{kind}"/>{repeat}</barline>'


def sound(sign: str) -> str:
    return f"<direction><direction-type><words/></direction-type><sound {sign}/></direction>"


@pytest.mark.parametrize(
    ("bars", "played"),
    [
        ([("", "C", ""), ("", "D", BACKWARD), ("", "E", "")], "C D C D E"),
        ([("", "C", ""), (FORWARD, "D", ""), ("", "E", BACKWARD)], "C D E D E"),
        ([("", "C", BACKWARD.replace("/></b", ' times="3"/></b'))], "C C C"),
        (
            [
                ("", "C", ""),
                (ending("start", "1"), "D", ending("stop", "1", '<repeat direction="backward"/>')),
                (ending("start", "2"), "E", ending("discontinue", "2")),
                ("", "F", ""),
            ],
            "C D C E F",
        ),
        (
            [("", "C", ""), ("", "D", sound('fine="yes"')), ("", "E", ""), ("", "F", sound('dacapo="yes"'))],
            "C D E F C D",
        ),
        (
            [
                ("", "C", ""),
                (sound('segno="s"'), "D", sound('tocoda="c"')),
                ("", "E", sound('dalsegno="s"')),
                (sound('coda="c"'), "F", ""),
            ],
            "C D E D F",
        ),
        ([("", "C", ""), ("", "D", sound('dacapo="yes"'))], "C D C D"),
    ],
)
def test_musicxml_repeats_are_played(bars: list[tuple[str, str, str]], played: str) -> None:
    assert names(play(musicxml(*bars))) == played


# --- metres ---------------------------------------------------------------------------------------------------------


def passages(*signatures: tuple[str, int]) -> Printed:
    """Make a piece of so many quarters in each metre, a note on each."""
    bars, now = [], 0
    for signature, quarters in signatures:
        bars.append(Bar(now, now + quarters * 12, signature))
        now += quarters * 12
    pitches = list(NAMES)
    return printed("a", [(tick, pitches[tick // 12 % 7]) for tick in range(0, now, 12)], now, tuple(bars), 12)


@pytest.mark.parametrize(
    ("signature", "metres", "metre"),
    [
        ("4/4", "2,4", "4/4"),
        ("2/4", "2,4", "4/4"),
        ("2/2", "all", "4/4"),
        ("6/8", "all", "6/8"),
        ("6/8", "3/4, 6/8", "6/8"),
        ("9/8", "9", "9/8"),
        ("3/2", "all", "3/2"),
        ("5/4", "all", "5/4"),
    ],
)
def test_a_piece_is_in_one_of_the_metres_asked_for(signature: str, metres: str, metre: str) -> None:
    assert str(play(passages((signature, 90)), metres).metre) == metre


@pytest.mark.parametrize(
    ("signature", "metres", "reason"),
    [
        ("6/8", "2,4", "The piece is in 6/8; only pieces in two or four are read."),
        ("3/4", "6/8", "The piece is in 3/4; only pieces in 6/8 are read."),
        ("13/8", "all", "The piece is in 13/8, in which bars cannot be counted."),
        ("2/4+3/4", "all", "The piece is in 2/4+3/4, in which bars cannot be counted."),
    ],
)
def test_a_piece_in_another_metre_is_refused(signature: str, metres: str, reason: str) -> None:
    with pytest.raises(ReadingError) as caught:
        play(passages((signature, 30)), metres)
    assert str(caught.value) == reason


@pytest.mark.parametrize("metres", ["", "3/5", "waltz", "2,,4", "all,2"])
def test_metres_that_are_none_are_refused(metres: str) -> None:
    with pytest.raises(RequestError, match="is not a metre that can be counted"):
        check_metres(metres)


def test_an_odd_bar_is_left_out_and_the_count_begins_again() -> None:
    whole = play(passages(("4/4", 40), ("5/4", 5), ("4/4", 40)))
    assert len(whole.onsets) == 80
    assert whole.odd == pytest.approx(5 / 85)
    assert (whole.onsets[40] - whole.onsets[39], whole.onsets[40] % 48) == (12, 0)
    ragged = play(passages(("4/4", 41), ("3/4", 3), ("4/4", 40)))
    assert ragged.onsets[41] % 48 == 0
    with pytest.raises(ReadingError, match="is in 3/4 for 30% of its time"):
        play(passages(("4/4", 28), ("3/4", 12)))


def test_a_short_first_bar_is_an_upbeat_whatever_its_metre() -> None:
    piece = play(passages(("1/4", 1), ("4/4", 8)))
    assert (piece.onsets[:2].tolist(), len(piece.onsets), piece.odd) == ([36, 48], 9, 0)
    assert play(passages(("3/8", 1), ("6/8", 30)), "all").metre == Metre(6, 8)


def test_repeats_are_taken_where_odd_bars_are_left_out() -> None:
    tune = abc("|:C4|D4|E4|F4|[M:3/4]G3|[M:4/4]A4|B4:|" + "C4|" * 30)
    assert names(play(tune)) == "C D E F A B C D E F A B" + " C" * 30
