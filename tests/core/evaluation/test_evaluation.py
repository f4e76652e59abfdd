"""How good a model is: likelihoods, samples beside real pieces, and the gravity chosen from them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from core.composing import form
from core.composing.novelty import Index
from core.composing.recipe import Composer, ComposeRequest, write
from core.composing.sampling import Options
from core.errors import CorpusError
from core.evaluation import figures
from core.evaluation.evaluation import draw, evaluate
from core.evaluation.likelihood import STREAMS, likelihood, yardsticks
from core.evaluation.parsed import Parsed, held_out
from core.model import frames as columns
from core.model import hearing
from core.model.bundle import Bundle, Params
from core.model.notes import Entry, Notes
from core.model.stepping import Stepper
from core.music import notation, score
from core.music.notation import BOUNDARY

TEXTS = (
    "60-4-7r262r164r1",
    "r4r260r162r164r165r167r169r171r172r4r2",
    "48-7-12-16r243-7-16-21r245-7-12-16r141-7-16-24r4",
    "67r165r164r262r160-4-7r4",
    "72r171r169-3r267r4",
    "55-4-7r1r153-4-7-12r148-7-12-16r4",
)
PIECES = [Parsed(notation.parse(text)) for text in TEXTS]


def model(scale: float, *, hears: bool = True, gravity: float = 0.5, **training: object) -> Bundle:
    params = Params(rest_unit="1/2", units=12, layers=2, hears=hears, gravity=gravity, training=training)
    chance = np.random.default_rng(7)
    weights = {
        name: (chance.standard_normal(shape) * scale).astype(np.float32) for name, shape in params.shapes.items()
    }
    weights["output/bias"][0] += 5.0  # keeps samples short
    return Bundle("made-up", params, weights, "1")


def test_a_model_that_knows_nothing_needs_the_logarithm_of_the_vocabulary() -> None:
    empty = model(0.0, hears=False)
    empty.weights["output/bias"][0] = 0.0
    (plain,) = likelihood(Stepper(empty), PIECES)
    tokens = sum(len(piece.ids) + 1 for piece in PIECES)
    notes = sum(len(notation.pitches(piece.ids, "lowest")) for piece in PIECES)
    assert plain.nats.mean == pytest.approx(math.log(notation.SIZE))
    assert plain.nats.sd == pytest.approx(0, abs=1e-9)
    assert plain.bits.mean == pytest.approx(tokens * math.log2(notation.SIZE) / notes)
    assert plain.accuracy.mean == pytest.approx(len(PIECES) / tokens)  # the first of equals is the boundary


@pytest.mark.parametrize("gravity", [0.0, 0.7])
def test_pieces_are_predicted_together_as_each_alone(gravity: float) -> None:
    stepper = Stepper(model(0.4))
    nats = correct = tokens = 0.0
    for ids in (piece.ids for piece in PIECES):
        states, counts = stepper.silence(1), [0.3] * 12
        told = form.read(score.from_ids(ids, "lowest", Fraction(1, 2)))
        frames = columns.listen(ids, stepper.params, told)
        for frame, token in zip(frames, (*ids, BOUNDARY), strict=True):
            logits = stepper.step(frame[None], states)[0].astype(float)
            if frame[hearing.PITCH] != hearing.NONE:
                counts[frame[hearing.PITCH] % 12] += 1
            for candidate in range(1, 256):  # by the formula of docs/network.md
                pitch = candidate - 1 if candidate < 129 else int(frame[hearing.BASE]) + candidate - 128
                logits[candidate] += gravity * math.log(12 * counts[pitch % 12] / sum(counts))
            nats += math.log(np.exp(logits).sum()) - logits[token]
            correct += logits.argmax() == token
            tokens += 1
    _, measured = likelihood(stepper, PIECES, (0.1, gravity))
    assert measured.nats.mean == pytest.approx(nats / tokens, abs=1e-5)
    assert measured.accuracy.mean == pytest.approx(correct / tokens)


def test_an_ngram_knows_its_own_pieces_best() -> None:
    params = model(0).params
    own, other = (yardsticks(PIECES[:3], each, params)[0] for each in (PIECES[:3], PIECES[3:]))
    assert own.nats.mean < other.nats.mean < math.log(notation.SIZE)
    assert own.accuracy.mean > 0.8


def test_copying_helps_where_bars_return_and_an_ngram_is_as_good_where_none_does() -> None:
    theme, other = "61r163r166r168r170r273r2", "48-7-12r253-4-12r143r158-3-9r2"
    piece = Parsed(notation.parse(theme * 4 + other))
    ngram, copying = yardsticks([*PIECES, Parsed(notation.parse("72r171r169r167r1" * 4))], [piece], model(0).params)
    assert copying.returning.mean < ngram.returning.mean / 2
    assert copying.new.mean == pytest.approx(ngram.new.mean, rel=0.2)
    assert copying.nats.mean < ngram.nats.mean


def test_tokens_are_new_or_returning_by_the_bar_in_which_they_stand() -> None:
    stepper = Stepper(model(0.4))
    pieces = [Parsed(notation.parse("60r167r165r467r1" * 2 + "60r2")), Parsed(notation.parse("72r4r460r4r4"))]
    (plain,) = likelihood(stepper, pieces)
    assert plain.returning.mean != pytest.approx(plain.new.mean)
    (alone,) = likelihood(stepper, pieces[1:])
    assert math.isnan(alone.returning.mean)
    states, losses = stepper.silence(1), []
    ids = pieces[1].ids
    for frame, token in zip(
        columns.listen(ids, stepper.params, form.read(score.from_ids(ids, "lowest", Fraction(1, 2)))), ids, strict=False
    ):
        logits = stepper.step(frame[None], states)[0].astype(float)
        losses.append(np.logaddexp.reduce(logits) - logits[token])
    assert alone.new.mean == pytest.approx(np.mean(losses), abs=1e-5)  # without the boundary


def test_an_evaluation_has_every_figure_of_real_pieces_and_of_samples() -> None:
    measured = evaluate(model(0.3), PIECES, PIECES[:2], takes=6, seeds=(1, 2))
    assert (measured.pieces, measured.takes, measured.seeds) == (6, 6, (1, 2))
    assert measured.ngram is not None
    assert measured.plain.nats.mean > measured.ngram.nats.mean
    assert [samples.temperature for samples in measured.samples] == [0.8, 1.0, 1.2]
    for samples in measured.samples:
        assert samples.figures.keys() == measured.real.keys()
        assert samples.figures["scale_consistency"].sd > 0
        assert 0 <= samples.figures["ended"].mean <= 1
    assert measured.real["ended"] == 1
    scores = [score.from_ids(piece.ids, "lowest", Fraction(1, 2)) for piece in PIECES]
    assert measured.real["notes_an_event"] == pytest.approx(
        np.mean([figures.notes_an_event(piece) for piece in scores])
    )
    assert [each.bars for each in measured.composed] == [16, 32]
    assert all(each.figures["events"] > 0 for each in measured.composed)
    assert all(each.figures.keys() == each.real.keys() for each in measured.composed)
    again = evaluate(model(0.3), PIECES, PIECES[:2], takes=6, seeds=(1, 2))
    assert repr(again) == repr(measured)  # where nan is nan


def test_samples_beyond_a_batch_are_drawn_too_and_differ() -> None:
    samples = draw(Stepper(model(0.5, hears=False)), Options(seed=1), STREAMS + 3)
    assert len(samples) == STREAMS + 3
    assert len({sample.ids for sample in samples[:3]} | {sample.ids for sample in samples[-3:]}) > 3


def test_without_training_pieces_there_is_no_ngram_and_without_pieces_no_evaluation() -> None:
    assert evaluate(model(0.3), PIECES, [], takes=4, seeds=(1,)).ngram is None
    with pytest.raises(CorpusError, match="no piece to evaluate"):
        evaluate(model(0.3), [Parsed(())], PIECES)


def test_held_out_pieces_are_those_that_the_training_names() -> None:
    notes = Notes("lowest", Fraction(1, 2), tuple(Entry(str(i), text) for i, text in enumerate(TEXTS)))
    apart, trained_on = held_out(model(0, held_out=[4, 1]), notes)
    assert apart == [PIECES[1], PIECES[4]]
    assert trained_on == [PIECES[0], PIECES[2], PIECES[3], PIECES[5]]
    for damaged in (model(0), model(0, held_out=[6]), model(0, held_out="all")):
        with pytest.raises(CorpusError, match="name a FOLDER"):
            held_out(damaged, notes)
    with pytest.raises(CorpusError, match="notes of 0 are damaged"):
        held_out(model(0, held_out=[0]), replace(notes, pieces=(Entry("0", "60r9"),)))


def test_a_model_that_draws_from_the_likeliest_alone_composes_as_if_that_were_asked_for() -> None:
    ask = ComposeRequest(model="made up", seed=3, bars=2, effort=1)

    def written(asked: float, own: float) -> list[Sequence[int]]:
        made = model(0.3, hears=False)
        made = replace(made, params=replace(made.params, top_p=own))
        return [sample.ids for sample in write(replace(ask, top_p=asked), Composer(made, Stepper(made), Index(())))]

    assert written(1, 0.4) == written(0.4, 1) == written(0.4, 0.8) != written(1, 1)
