"""Figures of a piece, and overlaps of sets of pieces."""

import math
from fractions import Fraction
from pathlib import Path

import muspy
import numpy as np
import pytest

from core.evaluation import figures
from core.model.notes import read_notes
from core.music import score
from core.music.score import Score


def piece(text: str, unit: str = "1") -> Score:
    return score.from_text(text, "lowest", Fraction(unit))


# What real pieces seldom have: no second bar, a bar line at the end, one pitch class, ties between scales.
SNIPPETS = [
    ("60-4-7r262r164r1", "1"),
    ("60-4-7r262r164r165r167-3-9r269r171r172r4", "1/2"),
    ("57-3-7r361r160r162-3-7r266r169-1r368r4r464r170r163r1", "1"),
    ("60r160r160r160r160r160r160r1", "1"),
    ("48-7-12-16r243-7-16-21r245-7-12-16r141-7-16-24r4", "1/2"),
    ("60r1", "1/2"),
]
MODELS = Path(__file__).parents[3] / "models"
EVERY = 7  # some fifty chorales, some hundreds of fiddle tunes


def real_pieces(model: str) -> list[Score]:
    notes = read_notes(MODELS / model / "notes.txt")
    return [score.from_text(entry.text, notes.anchor, notes.unit, entry.metre) for entry in notes.pieces[::EVERY]]


def to_muspy(measured: Score) -> muspy.Music:
    """Hold each event until the next."""
    ends = [*(event.onset for event in measured.events[1:]), measured.length]
    notes = [
        muspy.Note(event.onset, pitch, end - event.onset)
        for event, end in zip(measured.events, ends, strict=True)
        for pitch in event.pitches
    ]
    return muspy.Music(tracks=[muspy.Track(notes=notes)])


@pytest.mark.parametrize("music", ["snippets", "chorales", "classic", "fiddle"])
def test_what_muspy_has_too_agrees_with_it(music: str) -> None:
    for measured in [piece(*snippet) for snippet in SNIPPETS] if music == "snippets" else real_pieces(music):
        theirs = to_muspy(measured)
        assert figures.pitch_classes(measured) == muspy.n_pitch_classes_used(theirs)
        assert figures.pitch_class_entropy(measured) == pytest.approx(muspy.pitch_class_entropy(theirs), abs=1e-12)
        assert figures.scale_consistency(measured) == pytest.approx(muspy.scale_consistency(theirs))
        groove = muspy.groove_consistency(theirs, measured.units_per_bar)
        assert figures.groove_consistency(measured) == pytest.approx(groove, nan_ok=True)


def test_notes_and_events_are_counted() -> None:
    measured = piece("60-4-7r262r164r4", "1/2")
    assert figures.events(measured) == 3
    assert figures.notes_an_event(measured) == pytest.approx(5 / 3)
    assert figures.events_a_bar(measured) == pytest.approx(3 / (7 / 8))


def test_silence_has_no_figures_and_does_not_spoil_the_means() -> None:
    silence = Score((), 4, Fraction(1))
    assert math.isnan(figures.pitch_class_entropy(silence))
    assert math.isnan(figures.notes_an_event(silence))
    assert figures.means([silence, piece("60r162r1")])["notes_an_event"] == 1
    assert math.isnan(figures.means([silence])["scale_consistency"])


def test_a_loop_is_a_long_run_of_the_same_event() -> None:
    assert figures.one_note_loop(piece("60r162r1" + "67r1" * 16 + "60r1"))
    assert not figures.one_note_loop(piece("60r162r1" + "67r1" * 15 + "60r1"))
    assert figures.one_note_loop(piece("60-4r160-4r160-4r1"))
    assert not figures.one_note_loop(piece("60r160-4r160r1"))
    assert not figures.one_note_loop(piece("60r1"))


def test_histograms_hold_shares_with_the_outliers_at_the_ends() -> None:
    measured = piece("60-4-7r262r391r460r4r4r4r4r4")
    intervals, durations = figures.interval_histogram(measured), figures.duration_histogram(measured)
    assert intervals[[12 - 5, 24, 0]].tolist() == pytest.approx([1 / 3] * 3)
    assert durations[[1, 2, 3, 15]].tolist() == [0.25] * 4
    assert intervals.sum() == pytest.approx(1)
    assert durations.sum() == pytest.approx(1)


def test_summed_histograms_name_their_bins_and_count_each_piece_alike() -> None:
    summed = figures.summed_histograms([piece("60r262r2"), piece("60r159r158r157r1")])
    assert list(summed["intervals"]) == list(range(-12, 13))
    assert list(summed["durations"]) == list(range(1, 17))
    assert {interval: share for interval, share in summed["intervals"].items() if share} == {2: 0.5, -1: 0.5}
    assert {units: share for units, share in summed["durations"].items() if share} == {1: 0.5, 2: 0.5}


def test_the_overlapping_area_is_one_of_the_same_and_none_of_strangers() -> None:
    chance = np.random.default_rng(1)
    values = chance.normal(size=400)
    assert figures.overlapping_area(values, values) == pytest.approx(1, abs=1e-6)
    assert figures.overlapping_area(values, values + 100) == pytest.approx(0, abs=1e-6)
    # Two normal densities a distance d apart share 2 * Phi(-d / 2) of their area; kernels widen both a little.
    assert figures.overlapping_area(chance.normal(size=4000), chance.normal(2, size=4000)) == pytest.approx(
        0.317, abs=0.03
    )
    assert math.isnan(figures.overlapping_area(values, np.zeros(5)))


def random_walks(count: int, steps: tuple[int, ...], rests: tuple[int, ...], seed: int) -> list[Score]:
    chance = np.random.default_rng(seed)
    pieces = []
    for _ in range(count):
        pitches = 60 + np.cumsum(chance.choice(steps, 60))
        pieces.append(
            piece(
                "".join(
                    f"{pitch}r{rest}" for pitch, rest in zip(pitches % 90 + 20, chance.choice(rests, 60), strict=True)
                )
            )
        )
    return pieces


def test_pieces_of_one_kind_overlap_and_others_do_not() -> None:
    real = random_walks(24, (-2, -1, 1, 2), (1, 1, 2), seed=1)
    like = figures.overlaps(real, random_walks(24, (-2, -1, 1, 2), (1, 1, 2), seed=2))
    unlike = figures.overlaps(real, random_walks(24, (-7, -5, 5, 7), (1, 3, 4), seed=3))
    for name in ("interval", "duration"):
        ours, yardstick = like[name]
        assert ours.area > 0.8 * yardstick.area > 0.4
        assert ours.common > 0.9
        assert unlike[name][0].area < 0.5 * yardstick.area
        assert unlike[name][0].common < 0.5
    assert figures.overlaps(real, real) == figures.overlaps(real, real)


def test_too_few_pieces_have_no_overlap() -> None:
    few = random_walks(5, (1, 2), (1, 2), seed=1)
    assert all(math.isnan(overlap.area) for pair in figures.overlaps(few, few).values() for overlap in pair)
