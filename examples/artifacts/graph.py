"""ONNX written by hand: one node after the other, so that the file says exactly what is proved."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from artifacts.features import Floats, Normalization

OPSET = 15
IR_VERSION = 8


class GraphBuilder:
    """Collects nodes and weights. Methods take and return tensor names."""

    def __init__(self, name: str) -> None:
        """Start an empty graph."""
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, shape: list[int], element: int = TensorProto.FLOAT) -> str:
        """Declare a graph input of a fixed shape."""
        self._inputs.append(helper.make_tensor_value_info(name, element, shape))
        return name

    def weight(self, name: str, values: NDArray[np.generic]) -> str:
        """Store a constant: floats as float32, anything else as it is."""
        stored = values.astype(np.float32) if np.issubdtype(values.dtype, np.floating) else values
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(stored), name))
        return name

    def node(self, op: str, inputs: list[str], output: str, **attributes: int | list[int]) -> str:
        """Add a node with one output; the node carries the name of its output."""
        node = helper.make_node(op, inputs, [output], name=output)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self._nodes.append(node)
        return output

    def normalize(self, x: str, constants: Normalization) -> str:
        """`(x - mean) * inverse_std`."""
        mean = self.weight(f"{x}_mean", constants.mean[np.newaxis])
        inverse_std = self.weight(f"{x}_inverse_std", constants.inverse_std[np.newaxis])
        centred = self.node("Sub", [x, mean], f"{x}_centred")
        return self.node("Mul", [centred, inverse_std], f"{x}_normalized")

    def dense(self, x: str, weights: Floats, bias: Floats, output: str) -> str:
        """`x @ weights + bias`, weights `[in, out]`."""
        w = self.weight(f"{output}_weight", weights)
        b = self.weight(f"{output}_bias", bias)
        return self.node("Gemm", [x, w, b], output)

    def scaled(self, x: str, output: str, factor: float) -> str:
        """`x * factor`, of a row."""
        return self.node("Mul", [x, self.weight(f"{output}_factor", np.array([[factor]]))], output)

    def shifted(self, x: str, output: str, offset: float) -> str:
        """`x + offset`, of a row."""
        return self.node("Add", [x, self.weight(f"{output}_offset", np.array([[offset]]))], output)

    def clip(self, x: str, output: str, lowest: float, highest: float) -> str:
        """`x`, inside of these."""
        bounds = (("lowest", lowest), ("highest", highest))
        return self.node("Clip", [x, *(self.weight(f"{output}_{end}", np.array(at)) for end, at in bounds)], output)

    def save(self, path: Path, output: str, shape: list[int]) -> None:
        """Check the model and write it, with one output."""
        self.save_all(path, [(output, shape)])

    def save_all(self, path: Path, outputs: list[tuple[str, list[int]]]) -> None:
        """Check the model and write it. No producer version or date: equal weights give equal bytes."""
        results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs]
        graph = helper.make_graph(self._nodes, self._name, self._inputs, results, self._weights)
        opset = [helper.make_operatorsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="apodict-examples")
        onnx.checker.check_model(model, full_check=True)
        path.write_bytes(model.SerializeToString(deterministic=True))
