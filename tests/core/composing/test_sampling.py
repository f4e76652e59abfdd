"""Sampling: grammar, length, endings, gravity and seeds."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.composing.sampling import LONGEST_PIECE, LONGEST_SILENCE, Options, sample
from core.errors import RequestError
from core.model import bundle
from core.model.bundle import Bundle, Params
from core.model.stepping import Stepper
from core.music import notation, score
from core.music.notation import Anchor


def random_stepper(
    anchor: Anchor = "lowest", unit: str = "1/2", hears: bool = True, remembers: bool = True, **biases: float
) -> Stepper:
    params = Params(rest_unit=unit, units=16, layers=1, anchor=anchor, hears=hears, remembers=remembers)
    chance = np.random.default_rng(3)
    weights = {name: (chance.standard_normal(shape) * 0.3).astype(np.float32) for name, shape in params.shapes.items()}
    for token, bias in biases.items():
        weights["output/bias"][int(token.removeprefix("token"))] += bias
    return Stepper(Bundle("random", params, weights, "1"))


@settings(max_examples=60, deadline=None)
@example("lowest", "1", (True, True), 1.0, 1, 786, "")  # a network that rests before it begins
@given(
    st.sampled_from(("lowest", "highest")),
    st.sampled_from(("1", "1/2", "1/4")),
    st.sampled_from(((False, False), (True, False), (True, True))),
    st.sampled_from((0.05, 1.0, 8.0)),
    st.integers(1, 6),
    st.integers(0, 2**32),
    st.sampled_from(("", "72r1", "r360-4-7r2 62", "60-4r4r4", "64-3r2", "r4r4r4r1")),
)
def test_every_sample_is_a_piece_in_normal_form_of_the_length_asked_for(
    anchor: Anchor, unit: str, kind: tuple[bool, bool], temperature: float, bars: int, seed: int, primer: str
) -> None:
    hears, remembers = kind
    stepper = random_stepper(anchor, unit, hears, remembers)
    ids = notation.primer(primer, anchor)
    given_units = sum(map(notation.rest_units, ids))
    units = bars * stepper.params.units_per_bar
    options = Options(temperature=temperature, seed=seed, bars=bars)
    if given_units >= units:
        with pytest.raises(RequestError, match="The primer ends in bar"):
            sample(stepper, ids, options)
        return
    (take,) = sample(stepper, ids, options)
    text = notation.text(take.ids)
    piece = score.from_text(text, anchor, Fraction(unit))
    assert score.to_text(piece, anchor) == text
    assert list(take.ids[: len(ids)]) == ids
    opening = score.from_ids(ids, anchor, Fraction(unit))
    silence = opening.events[0].onset if opening.events else opening.length
    assert piece.length == units + (silence % piece.units_per_bar if remembers else 0)  # which a pickup follows
    assert not take.ended


def test_without_a_length_the_model_ends_or_is_ended() -> None:
    eager = random_stepper(hears=False, token0=9.0)
    stubborn = random_stepper(hears=False, token0=-40.0)
    (short,) = sample(eager, notation.primer("60r1"), Options(seed=1))
    (long,) = sample(stubborn, notation.primer("60r1"), Options(seed=1))
    assert short.ended
    assert not long.ended
    assert score.from_ids(long.ids, "lowest", Fraction(1, 2)).bars == LONGEST_PIECE


def test_the_boundary_never_comes_before_the_first_note() -> None:
    eager = random_stepper(hears=False, token0=50.0)
    for seed in range(20):
        (take,) = sample(eager, (), Options(seed=seed))
        assert any(token in notation.NOTES for token in take.ids)


def test_silences_are_no_longer_than_readers_allow() -> None:
    silent = random_stepper(hears=False, token259=60.0)
    (take,) = sample(silent, notation.primer("60r1"), Options(seed=1, bars=50))
    events = score.from_ids(take.ids, "lowest", Fraction(1, 2)).events
    gaps = np.diff([event.onset for event in events])
    assert gaps.max() == LONGEST_SILENCE


def test_a_seed_decides_all_and_takes_differ(tiny_model: Path) -> None:
    stepper = Stepper(bundle.load(tiny_model))
    primer = notation.primer("72r1")
    first = sample(stepper, primer, Options(seed=9, takes=4, bars=4))
    again = sample(stepper, primer, Options(seed=9, takes=4, bars=4))
    other = sample(stepper, primer, Options(seed=10, takes=4, bars=4))
    assert first == again
    assert len({take.ids for take in first}) == 4
    assert first != other


def test_takes_do_not_depend_on_how_many_there_are(tiny_model: Path) -> None:
    stepper = Stepper(bundle.load(tiny_model))
    alone = sample(stepper, (), Options(seed=4, bars=8))
    among = sample(stepper, (), Options(seed=4, takes=3, bars=8))
    assert alone[0] == among[0]


def test_gravity_keeps_to_the_pitch_classes_of_the_primer() -> None:
    stepper = random_stepper(hears=False)
    primer = notation.primer("60r162r164r165r167r169r171r172r1")

    def inside(gravity: float) -> float:
        (take,) = sample(stepper, primer, Options(seed=2, gravity=gravity, bars=64))
        pitches = notation.pitches(take.ids, "lowest")
        return sum(pitch % 12 in {0, 2, 4, 5, 7, 9, 11} for pitch in pitches) / len(pitches)

    assert inside(0) < 0.8 < 0.95 < inside(2)


def test_a_small_top_p_takes_the_likeliest_and_a_low_temperature_likelier_ones() -> None:
    stepper = random_stepper(hears=False)

    def first_tokens(options: Options) -> set[int]:
        return {sample(stepper, (), replace(options, seed=seed))[0].ids[0] for seed in range(40)}

    narrow = first_tokens(Options(gravity=0, bars=8, top_p=0.01))
    cold = first_tokens(Options(gravity=0, bars=8, temperature=0.05))
    hot = first_tokens(Options(gravity=0, bars=8, temperature=5.0))
    assert len(narrow) == 1
    assert narrow <= cold
    assert len(cold) < len(hot)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("temperature", 0),
        ("temperature", 11),
        ("temperature", float("nan")),
        ("top_p", 0),
        ("gravity", -1),
        ("gravity", float("nan")),
        ("top_p", float("nan")),
        ("seed", -1),
    ],
)
def test_options_out_of_range_are_refused_with_their_range(option: str, value: Any) -> None:
    with pytest.raises(RequestError, match=f"{option.replace('_', '-')} is .*must be from"):
        Options(**{option: value})


@pytest.mark.parametrize(("seed", "shown"), [(2**53, "9007199254740992"), (10**390, "10000000000000000000000…")])
def test_the_limits_of_a_seed_are_told_to_the_last_digit(seed: int, shown: str) -> None:
    assert Options(seed=2**53 - 1).seed
    with pytest.raises(RequestError) as refused:
        Options(seed=seed)
    assert str(refused.value) == f"The seed is {shown}; it must be from 0 to 9007199254740991."


@pytest.mark.parametrize("takes", [0, 65])
def test_takes_are_counted(takes: int) -> None:
    with pytest.raises(RequestError, match=f"^The number of takes is {takes}; it must be from 1 to 64.$"):
        Options(takes=takes)
