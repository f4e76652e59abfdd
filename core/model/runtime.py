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

    The first layer's input is the sum of the rows that a token chooses from `table` `(rows, 4 * units)`, and the
    product of some values with `dense` `(values, 4 * units)`, of which there may be none. `kernels` has, for each
    layer, what its input and its own h are multiplied by: `(units, 4 * units)` for the first, `(2 * units, 4 * units)`
    for the others, whose `biases` follow; `output` is `(units, columns)`, and `bias` its bias.
    """

    table: Floats
    dense: Floats
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
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def step(
        self, chosen: NDArray[np.int64], values: Floats, hidden: Floats, cells: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Take the chosen rows `(streams, any)`, the values `(streams, values)`, and h and c, all layers side by side.

        Return the output layer's `(streams, columns)`, and h and c after the step.
        """
        given = {"chosen": chosen, "values": values, "hidden": hidden, "cells": cells}
        out, hidden, cells = self._session.run(None, given)
        return out, hidden, cells


def _graph(weights: Matrices, *, exact: bool) -> bytes:
    """Write the graph as ONNX."""
    from onnx import TensorProto, helper

    units = len(weights.output)
    graph = _Graph(exact)
    rows = graph.add("Gather", [graph.constant(weights.table), "chosen"], axis=0)
    x = graph.add("ReduceSum", [rows, graph.constant(np.array([1]))], keepdims=0)
    if len(weights.dense):
        x = graph.add("Add", [x, graph.add("MatMul", ["values", graph.constant(weights.dense)])])
    names = range(len(weights.kernels))
    graph.add("Split", ["hidden"], [f"h{i}" for i in names], axis=1, num_outputs=len(weights.kernels))
    graph.add("Split", ["cells"], [f"c{i}" for i in names], axis=1, num_outputs=len(weights.kernels))
    below, after = "", []
    for layer, kernel in enumerate(weights.kernels):
        before = [below, f"h{layer}"] if layer else ["h0"]
        z = graph.product(before, kernel, x if layer == 0 else graph.constant(weights.biases[layer - 1]))
        below, cell = graph.lstm(z, f"c{layer}")
        after.append((below, cell))
    graph.product([below], weights.output, graph.constant(weights.bias), "out")
    graph.add("Concat", [h for h, _ in after], ["hidden_after"], axis=1)
    graph.add("Concat", [c for _, c in after], ["cells_after"], axis=1)

    def value(name: str, width: int | str, kind: int = TensorProto.FLOAT) -> Any:
        return helper.make_tensor_value_info(name, kind, ["streams", width])

    width = units * len(weights.kernels)
    made = helper.make_graph(
        graph.nodes,
        "layers",
        [
            value("chosen", "rows", TensorProto.INT64),
            value("values", len(weights.dense)),
            value("hidden", width),
            value("cells", width),
        ],
        [value("out", weights.output.shape[1]), value("hidden_after", width), value("cells_after", width)],
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

    def lstm(self, z: str, cell: str) -> tuple[str, str]:
        """Turn a layer's projected gates and its c into its h and c."""
        i, f, g, o = gates = [f"{z}_{gate}" for gate in "ifgo"]
        self.add("Split", [z], gates, axis=1, num_outputs=4)
        kept = self.add("Mul", [self.add("Sigmoid", [f]), cell])
        taken = self.add("Mul", [self.add("Sigmoid", [i]), self.add("Tanh", [g])])
        after = self.add("Add", [kept, taken])
        return self.add("Mul", [self.add("Sigmoid", [o]), self.add("Tanh", [after])]), after
