"""What is compiled does what Python does, to the last bit, and nothing stale is used."""

import os
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from core.composing import form, sampling
from core.composing.sampling import Options
from core.model import bundle, compiled, frames, notes
from core.model.bundle import Bundle, Params
from core.model.frames import Listener
from core.model.notes import Entry
from core.model.stepping import Around, Stepper
from core.model.told import Away, Told
from core.music import notation, score
from core.music.metre import parse_metre
from core.music.notation import BOUNDARY, Anchor

SHIPPED = ("chorales", "fiddle", "classic")


@pytest.fixture(scope="module", autouse=True)
def library() -> None:
    """Compile, as `make test` has done."""
    if compiled.compile_source() is None and "CI" not in os.environ:
        pytest.skip("needs a C compiler")
    compiled.library.cache_clear()
    assert compiled.library()


def pieces(name: str, every: int = 100) -> list[tuple[Entry, list[int], Params]]:
    params, learned = bundle.load(bundle.SHIPPED / name).params, notes.read_notes(bundle.SHIPPED / name / "notes.txt")
    return [(entry, notation.parse(entry.text, params.anchor), params) for entry in learned.pieces[::every]]


def heard(ids: list[int], params: Params, told: Told) -> np.ndarray:
    """Listen in Python."""
    listener = Listener(params, told)
    return np.array([listener.hear(token) for token in (BOUNDARY, *ids)], np.int16)


def random_model(anchor: Anchor, *, hears: bool = True, remembers: bool = True, **biases: float) -> Bundle:
    params = Params(rest_unit="1/4", units=20, layers=2, anchor=anchor, hears=hears, remembers=remembers)
    chance = np.random.default_rng(5)
    weights = {name: (chance.standard_normal(shape) * 0.3).astype(np.float32) for name, shape in params.shapes.items()}
    for token, bias in biases.items():
        weights["output/bias"][int(token.removeprefix("token"))] += bias
    return Bundle("random", params, weights, "1")


@pytest.mark.parametrize("name", SHIPPED)
def test_real_pieces_are_heard_alike(name: str) -> None:
    for entry, ids, params in pieces(name):
        told = form.read(score.from_ids(ids, params.anchor, params.unit, entry.metre), entry.phrases)
        for what in (
            told,
            replace(told, away=Away(20, 70, (7, 1))),
            replace(told, length=None, home=None, plan=(), phrases=()),
        ):
            assert np.array_equal(frames.listen(ids, params, what), heard(ids, params, what)), entry.title


@pytest.mark.parametrize("anchor", ["lowest", "highest"])
def test_dense_chords_and_restless_metres_are_heard_alike(anchor: Anchor) -> None:
    params = Params(rest_unit="1/4", anchor=anchor)
    told = Told(Fraction(1, 4), parse_metre("9/8"), 300, (3, 1))
    made = sampling.sample(Stepper(random_model(anchor)), (), Options(seed=2, takes=6, bars=12, temperature=3.0))
    scores = [score.from_ids(take.ids, anchor, Fraction(1, 4)) for take in made]
    assert max(len(event.pitches) for piece in scores for event in piece.events) > 6
    for take in made:
        ids = list(take.ids) * 2
        assert np.array_equal(frames.listen(ids, params, told), heard(ids, params, told))


@pytest.mark.parametrize("name", SHIPPED)
def test_what_stands_around_a_step_gives_the_same_floats(name: str) -> None:
    model = bundle.load(bundle.SHIPPED / name)
    stepper = Stepper(model)
    if not model.params.hears:
        assert isinstance(stepper.around, Around)
        return
    other = plain_python(model)
    for _, ids, params in pieces(name, 150):
        some = frames.listen(ids, params)[:120]
        mine, theirs = (np.empty((len(some), 4 * params.units), np.float32) for _ in range(2))
        stepper.around.inputs(some, mine)
        other.inputs(some, theirs)
        assert np.array_equal(mine, theirs)
        out = np.random.default_rng(1).normal(size=(len(some), stepper.network.columns)).astype(np.float32)
        assert np.array_equal(stepper.around.head(out, some), other.head(out, some))


def plain_python(model: Bundle) -> Around:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "library", lambda: None)
        around = Stepper(model).around
    assert isinstance(around, Around)
    return around


@pytest.mark.parametrize("anchor", ["lowest", "highest"])
@pytest.mark.parametrize("kind", [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize(
    "options",
    [Options(seed=4, takes=3, bars=6), Options(seed=5, gravity=0, top_p=0.7, temperature=0.6), Options(seed=6, bars=4)],
)
def test_pieces_are_the_same(
    anchor: Anchor, kind: tuple[bool, bool], options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    hears, remembers = kind
    model = random_model(anchor, hears=hears, remembers=remembers, token0=2.0)
    primer = notation.primer("60r262r164r1", anchor)
    faster = sampling.sample(Stepper(model), primer, options)
    drafts = sampling.begin(Stepper(model), primer, options)
    drafts.play()
    monkeypatch.setattr(compiled, "library", lambda: None)
    assert sampling.sample(Stepper(model), primer, options) == faster
    slower = sampling.begin(Stepper(model), primer, options)
    slower.play()
    assert [stream.nats for stream in slower.streams] == [stream.nats for stream in drafts.streams]


def test_a_copy_goes_on_as_if_it_were_alone() -> None:
    _, ids, params = pieces("fiddle")[0]
    told = Told(params.unit)
    listener = frames.listener(params, told)
    first = [frames.hear([listener], [token])[0] for token in (BOUNDARY, *ids[:60])]
    fork = listener.copy()
    for token in notation.parse("72r174r1"):
        frames.hear([fork], [token])
    rest = [frames.hear([listener], [token])[0] for token in ids[60:]]
    assert np.array_equal(np.array(first + rest), heard(ids, params, told))
    assert fork.sounding == (74,)


def test_a_token_beyond_the_range_of_notes_is_refused() -> None:
    params = Params()
    with pytest.raises(ValueError, match="beyond the range"):
        frames.listen([notation.note(120), notation.interval(20)], params)


def test_without_a_compiler_all_is_done_in_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A source that was changed is one that was never compiled."""
    changed = tmp_path / "compiled.c"
    changed.write_text(compiled._SOURCE.read_text() + "\n")
    monkeypatch.setattr(compiled, "_SOURCE", changed)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    compiled.library.cache_clear()
    try:
        assert compiled.main() == 0
        assert "no C compiler" in capsys.readouterr().err
        assert compiled.library() is None
        assert isinstance(frames.listener(Params(), Told(Fraction(1))), Listener)
    finally:
        monkeypatch.undo()
        compiled.library.cache_clear()


def test_what_does_not_compile_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "compiled.c"
    broken.write_text("int32_t")
    monkeypatch.setattr(compiled, "_SOURCE", broken)
    assert compiled.main() == 0
    assert "error" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["compiled.c"]
