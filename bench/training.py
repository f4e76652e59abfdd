"""How fast a network is trained: ours against PyTorch's LSTM and against Keras as it comes.

All have 2 LSTMs of 256 units and learn with AdamW, dropout and clipped gradients, in batches and windows of our own
defaults. Ours does all that a training does: it carries the state, averages the weights and keeps count. The plain one
sees and predicts tokens alone, as the peers do; the other hears pitches and remembers.
"""

import statistics
import threading
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from bench.sides import installed, measure, ratio
from bench.table import Row
from core.model import frames
from core.model.bundle import Params
from core.music import notation
from core.music.notation import SIZE
from core.training.fit import Hyperparameters, fit
from core.training.progress import Progress

STEPS: Final = 10  # a round; a multiple of what lies between two reports of a training
DROPOUT: Final = 0.4

BATCHES: Final = (16, 64)  # our default, and the one at which libraries are usually compared

_PARAMS: Final = Params(rest_unit="1/2")

Round = Callable[[], float]


def rows() -> list[Row]:
    """Measure all sides by turns."""
    return [row for batch in BATCHES for row in _rows(batch)]


def _rows(batch: int) -> list[Row]:
    calls = {
        "plain": f"bench.training:ours {batch} 0",
        "hears": f"bench.training:ours {batch} 1",
        "keras": f"bench.training:keras_as_it_comes {batch}",
    }
    if installed("torch"):
        calls["torch"] = f"bench.training:pytorch {batch}"
    figures = measure(calls)
    table = []
    for ours, peer, name, goal in (
        ("plain", "torch", "plain: PyTorch's LSTM", 0.9),
        ("hears", "torch", "hearing, with a memory: PyTorch's LSTM", 0.9 if batch == max(BATCHES) else None),
        ("plain", "keras", "plain: Keras as it comes", None),
    ):
        if peer in figures:
            mine, theirs = figures[ours], figures[peer]
            medians = statistics.median(mine), statistics.median(theirs)
            table.append(Row(f"training, batch {batch}, {name}", *medians, ratio(mine, theirs), "tokens/s", goal))
    return table


def ours(batch: int, hears: int) -> Round:
    """Run `core.training.fit`, held between its reports."""
    params = Params(
        rest_unit="1/2", hears=bool(hears), dropout=DROPOUT, weight_drop=Params().weight_drop if hears else 0
    )
    chance = np.random.default_rng(0)
    notes = [
        f"{pitch}-4-7r{rest}"
        for pitch, rest in zip(chance.integers(40, 80, 500), chance.integers(1, 5, 500), strict=True)
    ]
    hyperparameters, tokens = Hyperparameters(batch=batch, epochs=50), batch * params.window
    piece = frames.listen(notation.parse("".join(notes)), params)
    pieces = [piece] * (2 * 4 * STEPS * 20 * tokens // (len(piece) * hyperparameters.keys))  # more than all rounds need
    go, came = threading.Semaphore(0), threading.Semaphore(0)
    steps = 0

    def report(progress: Progress) -> None:
        nonlocal steps
        if progress.step % STEPS == 0:
            steps = progress.step
            came.release()
            go.acquire()

    threading.Thread(
        target=fit, args=(params, pieces, [piece], hyperparameters), kwargs={"report": report}, daemon=True
    ).start()
    came.acquire()

    def one_round() -> float:
        start = time.perf_counter()
        go.release()
        came.acquire()
        return STEPS * tokens / (time.perf_counter() - start)

    one_round()
    return one_round


def pytorch(batch: int) -> Round:
    """Train an embedding, PyTorch's LSTM and a linear layer, the state carried from window to window."""
    import torch

    embedding, output = torch.nn.Embedding(SIZE, _PARAMS.units), torch.nn.Linear(_PARAMS.units, SIZE)
    lstm, last = torch.nn.LSTM(_PARAMS.units, _PARAMS.units, _PARAMS.layers, dropout=DROPOUT), torch.nn.Dropout(DROPOUT)
    weights = [*embedding.parameters(), *lstm.parameters(), *output.parameters()]
    optimiser = torch.optim.AdamW(weights, 1e-3)
    tokens = torch.randint(SIZE, (_PARAMS.window + 1, batch))
    state = None

    def one_round() -> float:
        nonlocal state
        start = time.perf_counter()
        for _ in range(STEPS):
            optimiser.zero_grad()
            h, state = lstm(embedding(tokens[:-1]), state)
            state = tuple(part.detach() for part in state)
            loss = torch.nn.functional.cross_entropy(output(last(h)).reshape(-1, SIZE), tokens[1:].reshape(-1))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
        return STEPS * batch * _PARAMS.window / (time.perf_counter() - start)

    one_round()
    return one_round


def keras_as_it_comes(batch: int) -> Round:
    """Call `model.fit` on a stack of `keras.layers.LSTM`."""
    import keras

    layers = [keras.Input((_PARAMS.window,)), keras.layers.Embedding(SIZE, _PARAMS.units)]
    for _ in range(_PARAMS.layers):
        layers += [keras.layers.LSTM(_PARAMS.units, return_sequences=True), keras.layers.Dropout(DROPOUT)]
    model = keras.Sequential([*layers, keras.layers.Dense(SIZE)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(1e-3, global_clipnorm=1.0), loss)
    tokens = np.random.default_rng(0).integers(SIZE, size=(STEPS * batch, _PARAMS.window + 1))

    def one_round() -> float:
        start = time.perf_counter()
        model.fit(tokens[:, :-1], tokens[:, 1:], batch_size=batch, verbose=0)
        return STEPS * batch * _PARAMS.window / (time.perf_counter() - start)

    one_round()
    return one_round
