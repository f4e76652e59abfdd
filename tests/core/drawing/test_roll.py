"""Piano rolls that show the piece and its primer."""

import math
from fractions import Fraction
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.drawing import canvas, roll
from core.errors import PictureError
from core.music import score
from core.music.metre import Metre
from core.music.score import Event, Score

QUARTERS, SIXTEENTHS = Fraction(1), Fraction(1, 4)


def opened(png: bytes) -> NDArray[np.int16]:
    """Return the pixels, (height, width, 3)."""
    with Image.open(BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"), np.int16)


def coloured(pixels: NDArray[np.int16]) -> NDArray[np.intp]:
    """Return (row, column) of every pixel of a voice's colour below the header; everything else is nearly grey."""
    vivid = pixels.max(axis=2) - pixels.min(axis=2) > 80
    vivid[: canvas.HEADER] = False
    return np.argwhere(vivid)


def drawn(text: str, *, primer_events: int = 0, title: str = "") -> NDArray[np.int16]:
    piece = score.from_text(text, "lowest", QUARTERS)
    return opened(roll.piano_roll(piece, primer_events=primer_events, title=title))


def test_a_higher_note_is_drawn_higher() -> None:
    marks = coloured(drawn("60r472r4"))
    early, late = marks[:, 1] < canvas.WIDTH * 0.4, marks[:, 1] > canvas.WIDTH * 0.6
    assert marks[late, 0].max() < marks[early, 0].min()


def test_time_goes_to_the_right_and_a_rest_stays_empty() -> None:
    columns = coloured(drawn("60r4r4r4r460r4"))[:, 1]
    width = canvas.WIDTH - canvas.MARGIN
    middle = (columns > width * 0.4) & (columns < width * 0.75)
    assert not middle.any()
    assert columns.min() < width * 0.1 < width * 0.85 < columns.max()


def test_bars_and_beats_are_those_of_the_metre() -> None:
    def lines(metre: Metre) -> int:
        """Count the lines between the notes, which sound at the beginning and the end alone."""
        piece = score.from_text("60r1" + "r4" * 11 + "r360r1", "lowest", SIXTEENTHS, metre)
        pixels = opened(roll.piano_roll(piece))
        row = pixels[(canvas.HEADER + pixels.shape[0]) // 2, canvas.MARGIN + 70 :].sum(axis=1)
        ground = np.median(row)
        return int(np.count_nonzero(np.diff((abs(row - ground) > 12).astype(int)) == 1))

    assert lines(Metre(3, 4)) > lines(Metre(6, 8))  # 12 beats, and 8


def test_a_pickup_stands_before_bar_1_and_nothing_is_drawn_behind_the_last_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers, write = list[tuple[float, str]](), canvas.Canvas.text

    def text(self: canvas.Canvas, x: float, y: float, said: str, *options: Any) -> None:
        numbers.extend([(x, said)] if said.isdigit() else [])
        write(self, x, y, said, *options)

    monkeypatch.setattr(canvas.Canvas, "text", text)
    piece = score.from_text("r360r172r4r4r4r371r1", "lowest", QUARTERS)  # of which the last note rings for a bar
    marks = coloured(opened(roll.piano_roll(piece)))
    assert [number for _, number in numbers] == ["1", "2", "3", "4"]
    left, right = canvas.MARGIN + 58, canvas.WIDTH - canvas.MARGIN
    assert left <= marks[:, 1].min() < numbers[0][0] - 5 < left + (right - left) / 12
    assert marks[:, 1].max() <= right
    numbers.clear()
    bars = "".join(f"{60 + bar % 5}r4" for bar in range(31))
    roll.piano_roll(score.from_text(f"r360r1{bars}62r3", "lowest", QUARTERS))
    assert [number for _, number in numbers] == [str(number) for number in range(1, 33)]
    assert numbers[16][0] < numbers[0][0]  # the second line begins with bar 17, at the very edge


def test_each_voice_has_its_colour() -> None:
    pixels = drawn("48-7-16-24r4")
    shown = {tuple(pixels[row, column]) for row, column in coloured(pixels)}
    assert all(min(math.dist(colour, pixel) for pixel in shown) < 60 for colour in canvas.PALETTE[:4])
    assert all(min(math.dist(colour, pixel) for pixel in shown) > 60 for colour in canvas.PALETTE[4:])


def test_the_primer_is_set_apart() -> None:
    text = "60-4-7r4" * 4
    without, with_primer = coloured(drawn(text)), coloured(drawn(text, primer_events=2))
    middle = canvas.WIDTH * 0.5
    assert (without[:, 1] < middle).any()
    assert not (with_primer[:, 1] < middle).any()
    assert (with_primer[:, 1] > middle).any()


def test_a_piece_that_is_all_primer_is_drawn() -> None:
    assert not len(coloured(drawn("60r462r4", primer_events=2)))


def test_long_pieces_take_more_lines_but_not_without_end() -> None:
    def height(bars: int) -> int:
        events = tuple(Event(16 * bar, (60, 67)) for bar in range(bars))
        return len(opened(roll.piano_roll(Score(events, 16 * bars, SIXTEENTHS))))

    assert height(4) == height(16) < height(17) < height(64)
    assert height(512) == height(700)


@pytest.mark.parametrize("events", [(Event(0, (60,)),), (Event(0, (0, 127)),), (Event(0, tuple(range(128))),)])
@pytest.mark.parametrize("unit", score.UNITS)
def test_any_score_can_be_drawn(events: tuple[Event, ...], unit: Fraction) -> None:
    pixels = opened(roll.piano_roll(Score(events, 1, unit), primer_events=1, title="🎵 " + "long " * 100))
    assert pixels.shape[1] == canvas.WIDTH


def test_the_title_is_drawn_and_cut_to_fit() -> None:
    blank, short, long = (drawn("60r4", title=title)[: canvas.HEADER] for title in ("", "chorales", "chorales" * 99))
    assert (short != blank).any()
    legend = canvas.WIDTH * 7 // 8
    assert (long[:, legend:] == blank[:, legend:]).all()


def test_the_same_score_gives_the_same_picture() -> None:
    piece = score.from_text("60-4-7r4" * 4, "lowest", QUARTERS)
    assert roll.piano_roll(piece, title="a") == roll.piano_roll(piece, title="a")


def test_a_score_without_notes_is_refused() -> None:
    with pytest.raises(PictureError, match="no notes"):
        roll.piano_roll(Score((), 0, QUARTERS))


def test_pieces_side_by_side_are_two_in_a_row_on_the_same_pitches() -> None:
    pieces = [score.from_text(text, "lowest", QUARTERS) for text in ("60r4r4", "72r4r4", "60r4r4", "84r4r4")]
    pixels = opened(roll.side_by_side(pieces, ["a", "b", "c", "d"]))
    marks = coloured(pixels)
    left, upper = marks[:, 1] < canvas.WIDTH / 2, marks[:, 0] < pixels.shape[0] / 2
    first, second, third, fourth = (
        marks[x & y, 0] for x, y in ((left, upper), (~left, upper), (left, ~upper), (~left, ~upper))
    )
    assert second.max() < first.min()
    assert abs((third.min() - fourth.min()) - 2 * (first.min() - second.min())) <= 2
    with pytest.raises(PictureError, match="no notes"):
        roll.side_by_side([pieces[0], Score((), 0, QUARTERS)], ["a", "b"])


def test_a_chorale_is_drawn_in_its_four_voices_though_one_of_them_moves_alone() -> None:
    text = "48-7-16-24r247r250-5-14-21r247-8-15-20r448-7-16-24r2" * 2  # of which voice leading alone makes more
    piece = score.from_text(text, "lowest", QUARTERS)
    assert {note.voice for note in roll._sounding(piece)} == {0, 1, 2, 3}
