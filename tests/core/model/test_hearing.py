"""Hearing: what each token stands for."""

from dataclasses import replace

import numpy as np
import pytest

from core.model import frames as columns
from core.model.bundle import Params
from core.model.hearing import BASE, NONE, NOW, PITCH, PLACE, RINGING, STEP
from core.model.told import Away, Told
from core.music import notation
from core.music.notation import Anchor

HEARS = Params(rest_unit="1/2", remembers=False)


def voices(frame: np.ndarray, columns: slice) -> list[int]:
    return [pitch for pitch in frame[columns].tolist() if pitch != NONE]


def test_a_frame_tells_pitch_step_place_and_what_rings() -> None:
    frames = columns.listen(notation.parse("60-4-7r262r164r1"), HEARS)
    assert frames[:, PITCH].tolist() == [NONE, 60, 64, 67, NONE, 62, NONE, 64, NONE]
    assert frames[:, BASE].tolist() == [60, 60, 60, 60, 60, 62, 62, 64, 64]
    assert frames[:, PLACE].tolist() == [0, 0, 0, 0, 4, 4, 6, 6, 8]
    assert frames[5, STEP] == 62 - 60 + 127
    assert voices(frames[4], NOW) == [60, 64, 67]
    assert voices(frames[6], RINGING) == [62, 64, 67]  # the D replaces the C beneath it
    assert voices(frames[8], RINGING) == [62, 64, 67]  # the E takes the place of the E


@pytest.mark.parametrize("remembers", [False, True])
@pytest.mark.parametrize("anchor", ["lowest", "highest"])
@pytest.mark.parametrize("semitones", [-6, -1, 3, 5])
def test_transposed_frames_are_those_of_the_transposed_piece(anchor: Anchor, semitones: int, remembers: bool) -> None:
    ids = notation.parse("r272-4-7r460-12r1r1 65-2-3-5-7-9-11r370r4r4" * 4, anchor)
    params = Params(rest_unit="1", anchor=anchor, remembers=remembers)
    home = Told(params.unit, home=(10, 1))
    frames = columns.listen(ids, params, home)
    moved = columns.listen(notation.transpose(ids, semitones), params, replace(home, home=((10 + semitones) % 12, 1)))
    assert np.array_equal(columns.transpose(frames, semitones), moved)


def test_another_home_is_told_where_a_piece_leaves_its_own() -> None:
    params = Params(rest_unit="1/2", remembers=True)
    ids = notation.parse("60r262r264r265r2")
    told, away = Told(params.unit, home=(7, 1)), Told(params.unit, home=(7, 1), away=Away(2, 6, (2, 0)))
    tonics, modes = (columns.listen(ids, params, away)[:, place].tolist() for place in (columns.TONIC, columns.MODE))
    assert tonics == [7, 7, 2, 2, 2, 2, 7, 7, 7]
    assert modes == [1, 1, 0, 0, 0, 0, 1, 1, 1]
    assert set(columns.listen(ids, params, told)[:, columns.TONIC]) == {7}


def test_places_count_sixteenths_whatever_the_rest_unit() -> None:
    eighths = columns.listen(notation.parse("60r260r260r4"), HEARS)
    quarters = columns.listen(notation.parse("60r160r160r2"), replace(HEARS, rest_unit="1"))
    assert eighths[:, PLACE].tolist() == quarters[:, PLACE].tolist()
