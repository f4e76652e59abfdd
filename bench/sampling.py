"""How fast a model composes: ours against the textbook's loop, PyTorch, ONNX Runtime, TensorFlow, and the memory.

All networks have the shape of a medium one, 2 LSTMs of 256 units, and random weights. Peers draw from a plain
softmax over the vocabulary; ours hears pitches, keeps to the grammar and has its tonal memory; called plain, it does
not hear.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.sides import installed, measure, ratio
from bench.table import Row
from core.composing import sampling
from core.composing.sampling import Options
from core.model.bundle import Bundle, Params
from core.model.stepping import Stepper
from core.music.notation import SIZE

UNITS: Final = 256
LAYERS: Final = 2
WINDOW: Final = 40  # of the textbook's loop
TOKENS: Final = 200  # a stream and round, for the sides that can be told
MANY: Final = 16

Round = Callable[[], float]


def rows() -> list[Row]:
    """Measure one stream and many, and one against what the memory allows."""
    peers = {"PyTorch": "bench.sampling:pytorch", "tf.function": "bench.sampling:tf_function"}
    if not installed("torch"):
        del peers["PyTorch"]
    if installed("onnx", "onnxruntime"):
        peers["ONNX Runtime"] = "bench.sampling:onnx_runtime"
    table = []
    for streams, goal in ((1, 3), (MANY, 4)):
        calls = {name: f"{call} {streams}" for name, call in peers.items()}
        if streams == 1:
            calls |= {
                "model.predict": "bench.sampling:predict",
                "memory": "bench.sampling:memory",
                "cache": "bench.sampling:cache",
            }
        ours = {"ours": f"bench.sampling:ours {streams} 1", "plain": f"bench.sampling:ours {streams} 0"}
        figures = measure(ours | calls)
        what = "1 stream" if streams == 1 else f"{streams} streams"
        for name in calls:
            aim = {"PyTorch": goal, "memory": 0.5}.get(name)
            table.append(_row(f"sampling, {what}: {_PEERS[name]}", figures["ours"], figures[name], aim))
            if name == "PyTorch":
                table.append(_row(f"sampling, {what}, plain: {_PEERS[name]}", figures["plain"], figures[name], None))
    return table


_PEERS: Final = {
    "PyTorch": "PyTorch, state carried",
    "tf.function": "tf.function, state carried",
    "ONNX Runtime": "ONNX Runtime, state carried",
    "model.predict": f"model.predict on a window of {WINDOW}",
    "memory": "weights read from memory",
    "cache": "weights read from cache",
}


def _row(name: str, ours: list[float], peer: list[float], goal: float | None) -> Row:
    return Row(name, statistics.median(ours), statistics.median(peer), ratio(ours, peer), "tokens/s", goal)


def ours(streams: int, hears: int) -> Round:
    """Sample pieces of the longest length as `/compose` does."""
    stepper, seeds = Stepper(_bundle(bool(hears))), iter(range(10_000))

    def one_round() -> float:
        options = Options(takes=streams, seed=next(seeds))
        start = time.perf_counter()
        samples = sampling.sample(stepper, (), options)
        return sum(len(sample.ids) for sample in samples) / (time.perf_counter() - start)

    return one_round


def pytorch(streams: int) -> Round:
    """Step PyTorch's LSTM token by token, on as many threads as suit it best."""
    import torch

    embedding, lstm = torch.nn.Embedding(SIZE, UNITS), torch.nn.LSTM(UNITS, UNITS, LAYERS)
    output = torch.nn.Linear(UNITS, SIZE)

    def one_round() -> float:
        token, state = torch.zeros(streams, dtype=torch.long), None
        start = time.perf_counter()
        with torch.inference_mode():
            for _ in range(TOKENS):
                h, state = lstm(embedding(token)[None], state)
                token = torch.multinomial(torch.softmax(output(h[0]), -1), 1)[:, 0]
                token.tolist()
        return streams * TOKENS / (time.perf_counter() - start)

    speeds = {}
    for threads in (torch.get_num_threads(), 1):
        torch.set_num_threads(threads)
        one_round()
        speeds[threads] = one_round()
    torch.set_num_threads(max(speeds, key=lambda threads: speeds[threads]))
    return one_round


def tf_function(streams: int) -> Round:
    """Draw all tokens in one graph, the state in its loop."""
    import keras
    import tensorflow as tf

    embedding, output = keras.layers.Embedding(SIZE, UNITS), keras.layers.Dense(SIZE)
    cells = keras.layers.StackedRNNCells([keras.layers.LSTMCell(UNITS) for _ in range(LAYERS)])
    cells.build((streams, UNITS))
    embedding.build((streams,))
    output.build((streams, UNITS))

    def draw() -> Any:
        token, states = tf.zeros((streams,), tf.int64), cells.get_initial_state(batch_size=streams)
        drawn = tf.TensorArray(tf.int64, TOKENS)
        for at in tf.range(TOKENS):
            h, states = cells(embedding(token), states)
            token = tf.random.categorical(output(h), 1)[:, 0]
            drawn = drawn.write(at, token)
        return drawn.stack()

    graph = tf.function(draw)

    def one_round() -> float:
        start = time.perf_counter()
        graph().numpy()
        return streams * TOKENS / (time.perf_counter() - start)

    one_round()
    return one_round


def onnx_runtime(streams: int) -> Round:
    """Step a graph of ONNX's LSTM operators token by token."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1  # more are slower at this size
    session = onnxruntime.InferenceSession(_onnx_model(streams), settings, ["CPUExecutionProvider"])
    chance = np.random.default_rng(0)

    def one_round() -> float:
        token = np.zeros((1, streams), np.int64)
        states = {
            name: np.zeros((1, streams, UNITS), np.float32)
            for layer in range(LAYERS)
            for name in (f"h{layer}", f"c{layer}")
        }
        start = time.perf_counter()
        for _ in range(TOKENS):
            logits, *after = session.run(None, {"token": token, **states})
            states = dict(zip(states, after, strict=True))
            token = _draw(logits, chance)[None]
        return streams * TOKENS / (time.perf_counter() - start)

    one_round()
    return one_round


def predict() -> Round:
    """Call model.predict for each token on the window before it, as the textbook does."""
    import keras

    layers = [keras.layers.LSTM(UNITS, return_sequences=layer < LAYERS - 1) for layer in range(LAYERS)]
    model = keras.Sequential([keras.Input((WINDOW, SIZE)), *layers, keras.layers.Dense(SIZE)])
    chance, tokens = np.random.default_rng(0), 5

    def one_round() -> float:
        window = [0] * WINDOW
        start = time.perf_counter()
        for _ in range(tokens):
            one_hot = np.eye(SIZE, dtype=np.float32)[window[-WINDOW:]]
            window.append(int(_draw(model.predict(one_hot[None], verbose=0), chance)[0]))
        return tokens / (time.perf_counter() - start)

    one_round()
    return one_round


def memory() -> Round:
    """Read as many bytes as a token reads weights, as fast as one core multiplies a matrix larger than any cache."""
    return _reading(512 << 20)


def cache() -> Round:
    """Read as many bytes as a token reads weights, as fast as one core multiplies a matrix of the weights' own size."""
    return _reading(_bytes_a_token())


def _reading(size: int) -> Round:
    matrix, vector = np.ones((size // 4096, 1024), np.float32), np.ones(1024, np.float32)
    times = max(1, (1 << 30) // size)

    def one_round() -> float:
        start = time.perf_counter()
        for _ in range(times):
            matrix @ vector
        return times * matrix.nbytes / (time.perf_counter() - start) / _bytes_a_token()

    one_round()
    return one_round


def _bytes_a_token() -> int:
    """Count the bytes of weights that a step reads: all but the first kernel, of which a token reads some rows."""
    shapes = _params(hears=True).shapes
    return 4 * sum(
        int(np.prod(shape))
        for name, shape in shapes.items()
        if name != "lstm0/kernel" and "_" not in name.removeprefix("lstm")
    )


def _params(*, hears: bool) -> Params:
    return Params(rest_unit="1/2", units=UNITS, layers=LAYERS, hears=hears)


def _bundle(hears: bool) -> Bundle:
    """Make random weights that never end a piece and write chords of some four notes, as chorales have."""
    params, chance = _params(hears=hears), np.random.default_rng(0)
    weights = {name: (chance.standard_normal(shape) * 0.05).astype(np.float32) for name, shape in params.shapes.items()}
    rests = slice(1, 5) if hears else slice(SIZE - 4, SIZE)
    weights["output/bias"][0], weights["output/bias"][rests] = -40, 2
    return Bundle("random", params, weights, "")


def _draw(logits: NDArray[np.float32], chance: np.random.Generator) -> NDArray[np.int64]:
    reached = np.cumsum(np.exp(logits - logits.max(1, keepdims=True)), axis=1)
    drawn: NDArray[np.int64] = np.count_nonzero(
        reached <= chance.random((len(logits), 1)) * reached[:, -1:], axis=1
    ).astype(np.int64)
    return drawn


def _onnx_model(streams: int) -> bytes:
    """Build the network of ONNX's own operators: token, h and c -> logits, h and c."""
    from onnx import TensorProto, helper, numpy_helper

    chance = np.random.default_rng(0)
    weights: dict[str, tuple[int, ...]] = {"embedding": (SIZE, UNITS), "output": (UNITS, SIZE)}
    weights |= {f"{kernel}{layer}": (1, 4 * UNITS, UNITS) for layer in range(LAYERS) for kernel in ("w", "r")}
    tensors = [
        numpy_helper.from_array(chance.normal(0, 0.05, shape).astype(np.float32), name)
        for name, shape in weights.items()
    ]
    nodes = [helper.make_node("Gather", ["embedding", "token"], ["x"])]
    states: list[str] = []
    x = "x"
    for layer in range(LAYERS):
        inputs = [x, f"w{layer}", f"r{layer}", "", "", f"h{layer}", f"c{layer}"]
        nodes.append(helper.make_node("LSTM", inputs, [f"y{layer}", f"h{layer}_", f"c{layer}_"], hidden_size=UNITS))
        nodes.append(helper.make_node("Squeeze", [f"y{layer}", "directions"], [f"x{layer}"]))
        x, states = f"x{layer}", [*states, f"h{layer}", f"c{layer}"]
    nodes += [
        helper.make_node("Squeeze", [x, "time"], ["last"]),
        helper.make_node("MatMul", ["last", "output"], ["logits"]),
    ]
    tensors += [
        numpy_helper.from_array(np.array([axis], np.int64), name) for axis, name in ((1, "directions"), (0, "time"))
    ]
    shape = [1, streams, UNITS]
    graph = helper.make_graph(
        nodes,
        "step",
        [helper.make_tensor_value_info("token", TensorProto.INT64, [1, streams])]
        + [helper.make_tensor_value_info(state, TensorProto.FLOAT, shape) for state in states],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [streams, SIZE])]
        + [helper.make_tensor_value_info(f"{state}_", TensorProto.FLOAT, shape) for state in states],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())
