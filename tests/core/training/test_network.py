"""The network: Keras's own LSTM, faster, and one that numpy steps to the same logits.

TensorFlow is imported by the tests that use it, since each process that runs some tests reads all of them.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from core.model import frames as columns
from core.model import hearing
from core.model.bundle import Bundle, Params
from core.model.stepping import Stepper
from core.model.told import Section, Told
from core.music import notation
from core.music.metre import Metre
from core.training.recipe import with_memory

PIECES = {
    "lowest": "r272-4-7r160-12-24r174r4r262-3r148-7-12-16-19-24-28r474-3r1",
    "highest": "r272-4-7r160-12-24r174r4r262-3r188-7-12-16-19-24-28r474-3r1",
}

TOLD = {
    "1/2": Told(
        Fraction(1, 2),
        length=108,
        home=(7, 1),
        plan=(Section(2, 18, "stated"), Section(18, 36, "repeated", 2), Section(36, 108, "new")),
    ),
    "1/4": Told(Fraction(1, 4), Metre(9, 8)),
    "1": Told(Fraction(1)),
}


def random_weights(params: Params) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(1)
    return {name: (chance.standard_normal(shape) * 0.3).astype(np.float32) for name, shape in params.shapes.items()}


@pytest.mark.parametrize(
    "params",
    [
        Params(rest_unit="1/2", units=32),
        Params(rest_unit="1/2", units=32, remembers=False),
        Params(rest_unit="1/4", units=16, layers=1, anchor="highest"),
        Params(rest_unit="1", units=16, layers=3, hears=False),
    ],
    ids=["remembers", "hears", "highest", "plain"],
)
def test_it_is_stepped_to_the_logits_of_keras(params: Params) -> None:
    from core.training.network import Network

    network = Network(params)
    weights = random_weights(params)
    network.put(weights)
    assert {name: tensor.shape for name, tensor in network.take().items()} == params.shapes
    bundle = Bundle("test", params, weights, "1")
    exact, whole = Stepper(bundle, exact=True), Stepper(bundle)
    ids = notation.parse(PIECES[params.anchor] * 6, params.anchor)
    frames = columns.listen(ids, params, TOLD[params.rest_unit])
    keras_logits, _ = network(frames[:, None], network.silence(1))

    def steps(stepper: Stepper) -> np.ndarray:
        states = stepper.silence(1)
        return np.stack([stepper.step(frame[None], states) for frame in frames])

    np.testing.assert_allclose(steps(exact), keras_logits.numpy(), atol=2e-5)
    assert np.abs(steps(whole) - keras_logits.numpy()).mean() < 0.02  # by whole numbers, as when composing


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("batch", [3, 32])  # on one core, and parted among them
def test_the_unrolled_lstm_is_keras_lstm_in_value_and_gradient(batch: int, compiled: bool) -> None:
    import keras
    import tensorflow as tf

    from core.training.network import UnrolledLSTM

    time, inputs, units = 7, 5, 4
    stock = keras.layers.LSTM(units, return_sequences=True, return_state=True)
    ours = UnrolledLSTM(Params(units=units, weight_drop=0), 1, compiled)
    stock.build((batch, time, inputs))
    ours.build((time, batch, inputs))
    for mine, theirs in zip(ours.trainable_variables, stock.trainable_variables, strict=True):
        mine.assign(theirs)
    chance = np.random.default_rng(2)
    x = tf.constant(chance.standard_normal((time, batch, inputs)), tf.float32)
    state = tuple(tf.constant(chance.standard_normal((batch, units)), tf.float32) for _ in range(2))
    weighing = tf.constant(chance.standard_normal((time, batch, units)), tf.float32)

    def differentiate() -> tuple[tf.Tensor, ...]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, (h, c) = ours(x, state, tf.ones((time, batch, 1)))
            loss = tf.reduce_sum(y * weighing)
        return y, h, c, *tape.gradient(loss, [x, *ours.trainable_variables])

    with tf.GradientTape() as tape:
        tape.watch(x)
        y, h, c = stock(tf.transpose(x, (1, 0, 2)), initial_state=list(state))
        y = tf.transpose(y, (1, 0, 2))
        loss = tf.reduce_sum(y * weighing)
    expected = (y, h, c, *tape.gradient(loss, [x, *stock.trainable_variables]))
    for mine, theirs in zip(tf.function(differentiate)(), expected, strict=True):  # in a graph, as a training does
        np.testing.assert_allclose(mine, theirs, atol=2e-5)


@pytest.mark.parametrize("hears", [True, False])
def test_looking_rows_up_is_multiplying_a_one_hot_vector_with_a_few_more_ones(hears: bool) -> None:
    import tensorflow as tf

    from core.training.network import FirstLSTM

    params = Params(rest_unit="1/2", units=8, hears=hears, remembers=False)
    frames = columns.listen(notation.parse("60-4-7r262r1"), params)
    ones = np.array([multi_hot(frame, hears) for frame in frames], np.float32)
    assert ones[:, : notation.SIZE].argmax(1).tolist() == frames[:, hearing.ID].tolist()
    assert ones[1].sum() == (8 if hears else 1)  # id, pitch, class, octave, step, place, bar and one ringing class
    assert ones[0].sum() == (3 if hears else 1)  # a boundary has no pitch
    first = FirstLSTM(params, 1, compiled=False)
    first.build((None, None, ones.shape[1]))
    with tf.GradientTape(persistent=True) as tape:
        looked_up = first.project(frames[:, None])
        multiplied = tf.tensordot(ones[:, None], first.cell.kernel, 1) + first.cell.bias
        losses = [tf.reduce_sum(tf.square(projected)) for projected in (looked_up, multiplied)]
    np.testing.assert_allclose(looked_up, multiplied, atol=1e-6)
    for variable in (first.cell.kernel, first.cell.bias):
        mine, theirs = (tape.gradient(loss, variable.value) for loss in losses)
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


def multi_hot(frame: np.ndarray, hears: bool) -> np.ndarray:
    """Write out the vector that a frame stands for."""
    pitch, voices = frame[hearing.PITCH], frame[hearing.RINGING]
    sounds, steps = int(pitch != hearing.NONE), int(frame[hearing.STEP] != hearing.NO_STEP)
    ones = {
        "id": [frame[hearing.ID]],
        "pitch": [pitch] * sounds,
        "class": [pitch % 12] * sounds,
        "octave": [pitch // 12] * sounds,
        "step": [frame[hearing.STEP]] * steps,
        "place": [frame[hearing.PLACE]],
        "bar": [frame[hearing.BAR]],
        "ringing": [voice % 12 for voice in voices if voice != hearing.NONE],
    }
    groups = [np.bincount(ones[name], minlength=width) for name, width in hearing.rows(hears).items()]
    return np.concatenate(groups)


def test_a_step_in_another_key_is_learned_as_the_same() -> None:
    """The relative rows alone give the same logit to the same step in every key."""
    params = Params(rest_unit="1/2", units=8, remembers=False)
    weights = {name: np.zeros(shape, np.float32) for name, shape in params.shapes.items()}
    steps = hearing.parts(True)
    start = sum(list(steps.values())[: list(steps).index("step")])
    weights["output/bias"][start + 127 + 5] = 1.0  # a fourth up
    stepper = Stepper(Bundle("test", params, weights, "1"))
    for base in (40, 60, 81):
        states = stepper.silence(1)
        for frame in columns.listen(notation.parse(f"{base}r1"), params):
            logits = stepper.step(frame[None], states)[0]
        assert logits.argmax() == notation.note(base + 5)


def test_a_model_that_hears_gets_a_memory_that_says_nothing_yet() -> None:
    params = Params(rest_unit="1/2", units=16, remembers=False)
    base = Bundle("base", params, random_weights(params), "1")
    remembering = replace(params, remembers=True)
    weights = with_memory(base)
    assert {name: tensor.shape for name, tensor in weights.items()} == remembering.shapes
    ids = notation.parse(PIECES["lowest"] * 4)
    logits = []
    for model in (base, Bundle("grown", remembering, weights, "2")):
        stepper = Stepper(model)
        states = stepper.silence(1)
        frames = columns.listen(ids, model.params, TOLD["1/2"])
        logits.append(np.stack([stepper.step(frame[None], states) for frame in frames]))
    before, after = logits
    np.testing.assert_allclose(before, after, atol=1e-5)
