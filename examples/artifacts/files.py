"""The files of a story: inputs, calibration, expected outputs; and the check that retraining gives the same."""

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

Sample = Mapping[str, NDArray[np.generic]]
"""Tensors by the name of the model's input, the batch dimension of 1 included."""

WEIGHT_TOLERANCE = 1e-3
"""How far a retrained weight may lie from the committed one: BLAS kernels of other CPUs add in another order."""

VALUE_TOLERANCE = 2e-3
"""The same for every number in the JSON files, relative to `max(1, |value|)`."""


class Scorer:
    """ONNX Runtime on one thread: the float32 reference."""

    def __init__(self, path: Path) -> None:
        """Load a model."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._types = {entry.name: entry.type for entry in self._session.get_inputs()}
        self._outputs = [entry.name for entry in self._session.get_outputs()]

    def __call__(self, sample: Sample) -> dict[str, NDArray[np.float32]]:
        """Run one sample: tensors by the name of the output."""
        feed = {
            name: np.asarray(tensor, np.int64 if self._types[name] == "tensor(int64)" else np.float32)
            for name, tensor in sample.items()
        }
        return dict(zip(self._outputs, self._session.run(None, feed), strict=True))


def _jsonable(tensor: NDArray[np.generic]) -> Any:  # noqa: ANN401 - nested lists of numbers
    if np.issubdtype(tensor.dtype, np.integer):
        return tensor.tolist()
    # Nine digits identify a float32.
    return json.loads(json.dumps(tensor.tolist()), parse_float=lambda text: float(f"{float(text):.9g}"))


def _inputs(sample: Sample) -> dict[str, Any]:
    return {"inputs": {name: _jsonable(np.asarray(tensor)) for name, tensor in sample.items()}}


def _lines(entries: list[str]) -> str:
    return ",\n  ".join(entries)


def write_samples(folder: Path, named: Mapping[str, Sample], calibration: list[Sample], heldout: list[Sample]) -> None:
    """Write `inputs/NAME.json`, `calibration.json` and `expected.json` beside `model.onnx` in `folder`.

    One sample a line, so that a change reads well in review and a shell script finds a value.
    """
    scorer = Scorer(folder / "model.onnx")
    (folder / "inputs").mkdir(exist_ok=True)
    for name, sample in named.items():
        (folder / "inputs" / f"{name}.json").write_text(json.dumps(_inputs(sample)) + "\n", encoding="utf-8")

    batches = _lines([json.dumps(_inputs(sample)) for sample in calibration])
    (folder / "calibration.json").write_text(f'{{"batches": [\n  {batches}\n]}}\n', encoding="utf-8")

    def outputs(sample: Sample) -> dict[str, Any]:
        return {name: _jsonable(tensor) for name, tensor in scorer(sample).items()}

    told = _lines([f"{json.dumps(name)}: {json.dumps(outputs(s))}" for name, s in named.items()])
    scored = _lines([json.dumps({**_inputs(s), "outputs_float": outputs(s)}) for s in heldout])
    expected = f'{{"named": {{\n  {told}\n}},\n"heldout": [\n  {scored}\n]}}\n'
    (folder / "expected.json").write_text(expected, encoding="utf-8")


def train_or_check(folder: Path, build: Callable[[Path], None], arguments: list[str]) -> int:
    """Run a story's `train` command: write the files to `folder`, or with `--check` compare with what is there.

    Returns the exit code: 0 done or equal, 1 different, 2 usage.
    """
    match arguments:
        case []:
            build(folder)
            return 0
        case ["--check"]:
            with tempfile.TemporaryDirectory() as scratch:
                build(Path(scratch))
                return _compare(folder, Path(scratch))
        case _:
            print("usage: python -m STORY.train [--check]", file=sys.stderr)
            return 2


def _compare(committed: Path, retrained: Path) -> int:
    code = 0
    for path in sorted(file for file in retrained.rglob("*") if file.is_file()):
        name = path.relative_to(retrained)
        if not (committed / name).is_file():
            verdict, ok = "missing in the repository", False
        elif (committed / name).read_bytes() == path.read_bytes():
            verdict, ok = "identical", True
        else:
            difference, limit = _difference(committed / name, path)
            verdict, ok = f"largest difference {difference:.2e}, allowed {limit:.0e}", difference <= limit
        print(f"{'ok  ' if ok else 'FAIL'} {name}: {verdict}")
        code = code if ok else 1
    return code


def _difference(one: Path, other: Path) -> tuple[float, float]:
    """Largest difference of two files of one kind, and what is allowed; infinite if they differ in structure."""
    if one.suffix == ".onnx":
        a, b = onnx.load(one), onnx.load(other)
        weights = [{w.name: numpy_helper.to_array(w) for w in model.graph.initializer} for model in (a, b)]
        same_nodes = list(a.graph.node) == list(b.graph.node)
        same_shapes = [(n, w.shape) for n, w in weights[0].items()] == [(n, w.shape) for n, w in weights[1].items()]
        if not (same_nodes and same_shapes):
            return float("inf"), WEIGHT_TOLERANCE
        gaps = [float(np.abs(weights[0][n] - weights[1][n]).max()) for n in weights[0]]
        return max(gaps), WEIGHT_TOLERANCE
    return _json_difference(json.loads(one.read_text()), json.loads(other.read_text())), VALUE_TOLERANCE


def _json_difference(a: Any, b: Any) -> float:  # noqa: ANN401 - any JSON value
    match a, b:
        case dict(), dict() if list(a) == list(b):
            return max((_json_difference(a[key], b[key]) for key in a), default=0.0)
        case list(), list() if len(a) == len(b):
            return max((_json_difference(x, y) for x, y in zip(a, b, strict=True)), default=0.0)
        case ((int() | float()), (int() | float())):
            return abs(a - b) / max(1.0, abs(a))
    return 0.0 if a == b else float("inf")
