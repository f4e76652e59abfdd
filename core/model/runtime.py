"""The layers of a network as an ONNX graph, and the session that steps through it: no TensorFlow, one core.

Sampling multiplies whole numbers: a layer's output lies between -1 and 1 and is taken in 127ths, a weight in 63rds of
the largest of its column. That costs a thousandth of a nat a token (docs/network.md), is two to three times as fast as
floats, and exact, so that the products are the same on every processor: seven bits are what processors without VNNI can
add up without saturating.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_OPSET: Final = 18
_IR: Final = 9  # the version of the format that goes with it
_HALF: Final = 127  # steps from 0 to 1 of a layer's output
_WEIGHT: Final = 63  # steps from 0 to the largest weight of a column


@dataclass(frozen=True, slots=True)
class Matrices:
    """Hold a network's weights as the graph needs them, gates in Keras's order i, f, g, o.

    `kernels` has, for each layer, what its input and its own h are multiplied by: `(units, 4 * units)` for the first,
    whose input is added as it is, `(2 * units, 4 * units)` for the others, whose `biases` follow; `output` is `(units,
    columns)`, and `bias` its bias.
    """

    kernels: Sequence[Floats]
    biases: Sequence[Floats]
    output: Floats
    bias: Floats


class Layers:
    """Run the LSTMs and the output layer, a step of all streams at once; `exact` keeps to floats."""

    def __init__(self, weights: Matrices, *, exact: bool) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # products this small are not worth sharing
        graph = _graph(weights, exact=exact)
        self.session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.width, self.columns = weights.kernels[0].shape[1], weights.output.shape[1]


class Steps:
    """Step on from `states` `(2 * layers, streams, units)`, h and c of each layer, in place, again and again.

    Before each step `x` `(streams, 4 * units)` is to be filled with the first layer's input; behind it `out` `(streams,
    columns)` is the output layer's.
    """

    def __init__(self, layers: Layers, states: Floats) -> None:
        assert states.flags.c_contiguous
        self.x = np.zeros((states.shape[1], layers.width), np.float32)
        self.out = np.zeros((states.shape[1], layers.columns), np.float32)
        self._session, self._binding, self._states = layers.session, layers.session.io_binding(), states
        self._binding.bind_cpu_input("x", self.x)
        self._bind_output("out", self.out)
        for place, state in enumerate(states):
            name = f"{'hc'[place % 2]}{place // 2}"
            self._binding.bind_cpu_input(name, state)
            self._bind_output(f"{name}_after", state)  # all that reads a layer's h and c comes before what writes them

    def _bind_output(self, name: str, to: Floats) -> None:
        self._binding.bind_output(name, "cpu", 0, np.float32, to.shape, to.ctypes.data)

    def step(self) -> None:
        """Take a step."""
        self._session.run_with_iobinding(self._binding)


def _graph(weights: Matrices, *, exact: bool) -> bytes:
    """Write the graph as ONNX."""
    from onnx import TensorProto, helper

    units = len(weights.output)
    graph = _Graph(exact)
    names, below = [], ""
    for layer, kernel in enumerate(weights.kernels):
        before = [below, f"h{layer}"] if layer else ["h0"]
        z = graph.product(before, kernel, graph.constant(weights.biases[layer - 1]) if layer else "x")
        below = graph.lstm(z, layer)
        names += [f"h{layer}", f"c{layer}"]
    graph.product([below], weights.output, graph.constant(weights.bias), "out")

    def value(name: str, width: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["streams", width])

    made = helper.make_graph(
        graph.nodes,
        "layers",
        [value("x", 4 * units), *(value(name, units) for name in names)],
        [value("out", weights.output.shape[1]), *(value(f"{name}_after", units) for name in names)],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    content: bytes = model.SerializeToString()
    return content


class _Graph:
    """Gather the nodes of a graph."""

    def __init__(self, exact: bool) -> None:
        self.exact = exact
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, inputs: Sequence[str], outputs: Sequence[str] = (), **attributes: Any) -> str:
        """Add a node and return the name of its first output, which is a new one unless it is given."""
        from onnx import helper

        outputs = list(outputs) or [f"v{len(self.nodes)}"]
        self.nodes.append(helper.make_node(operator, list(inputs), outputs, **attributes))
        return outputs[0]

    def constant(self, value: NDArray[Any] | np.generic) -> str:
        """Add a constant and return its name."""
        from onnx import numpy_helper

        name = f"k{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def product(self, parts: Sequence[str], matrix: Floats, addend: str, name: str | None = None) -> str:
        """Multiply what stands side by side by a matrix, and add."""
        from onnx import TensorProto

        x = self.add("Concat", parts, axis=1) if len(parts) > 1 else parts[0]
        if self.exact:
            multiplied = self.add("MatMul", [x, self.constant(matrix)])
        else:
            largest = np.abs(matrix).max(0) / _WEIGHT
            scale = np.where(largest > 0, largest, 1).astype(np.float32)
            steps, middle = self.constant(np.float32(1 / _HALF)), self.constant(np.uint8(128))
            whole = self.add("QuantizeLinear", [x, steps, middle])
            weights = self.constant(np.rint(matrix / scale).astype(np.int8))
            summed = self.add("Cast", [self.add("MatMulInteger", [whole, weights, middle])], to=TensorProto.FLOAT)
            multiplied = self.add("Mul", [summed, self.constant(scale / _HALF)])
        return self.add("Add", [multiplied, addend], [name] if name else ())

    def lstm(self, z: str, layer: int) -> str:
        """Turn a layer's projected gates and its c into its h, whose name is returned, and its c."""
        i, f, g, o = gates = [f"{z}_{gate}" for gate in "ifgo"]
        self.add("Split", [z], gates, axis=1, num_outputs=4)
        kept = self.add("Mul", [self.add("Sigmoid", [f]), f"c{layer}"])
        taken = self.add("Mul", [self.add("Sigmoid", [i]), self.add("Tanh", [g])])
        cell = self.add("Add", [kept, taken], [f"c{layer}_after"])
        return self.add("Mul", [self.add("Sigmoid", [o]), self.add("Tanh", [cell])], [f"h{layer}_after"])
