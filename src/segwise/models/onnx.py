"""A trained network as an ONNX graph, checked against the network it came from."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segwise.errors import IntegrityError

SIZES = ((256, 256), (320, 192))  # the graph is traced at the first and compared at both
NEAR_PX = 1.0  # boxes farther apart are of different objects
MAX_UNPAIRED = 0.01  # of the objects, see `paired`


def write(graph: nn.Module, path: Path, outputs: Sequence[str], axes: dict[str, dict[int, str]], opset: int) -> None:
    """Write `graph`, a module of one image (1, 3, h, w), with dynamic sizes. The same weights give the same bytes."""
    image = sample(SIZES[0])
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing warns of sizes that torchvision handles
        torch.onnx.export(
            graph.eval(), (image,), path, dynamo=False, opset_version=opset, input_names=["image"],
            output_names=list(outputs), dynamic_axes=axes, do_constant_folding=True,
        )  # fmt: skip


def difference(graph: nn.Module, path: Path) -> float:
    """Largest absolute difference between the network and its ONNX graph over `SIZES`, per output in units of its
    largest value where that is above 1. Objects are compared one by one, see `paired`.

    Raises:
        IntegrityError: outputs of other shapes, or more than MAX_UNPAIRED of the objects have no counterpart.
    """
    import onnxruntime as ort

    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = 0.0
    for size in SIZES:
        image = sample(size)
        with torch.inference_mode():
            ours = [value.numpy() for value in graph.eval()(image)]
        theirs = session.run(None, {"image": image.numpy()})
        pairs = paired(ours, theirs) if ours[0].ndim == 2 else (ours, theirs)
        worst = max(worst, *(_gap(a, b) for a, b in zip(*pairs, strict=True)))
    return worst


def paired(ours: Sequence[Any], theirs: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """The objects that both answer, in one order: of one class, and each other's nearest box.

    Scores, and overlaps of boxes that are suppressed, differ in the last bits: two objects may come in either order,
    and one at the edge of suppression or of the cap may be answered by one side alone.

    Args:
        ours, theirs: the outputs in the order of the graph, beginning with boxes (N, 4) and labels (N,).

    Raises:
        IntegrityError: more than MAX_UNPAIRED of the objects are answered by one side alone.
    """
    counts = (len(ours[0]), len(theirs[0]))
    if not min(counts):
        return _enough(0, counts, (ours, theirs))
    a, b = (np.concatenate((boxes, 1e6 * labels[:, None]), axis=1) for boxes, labels, *_ in (ours, theirs))
    far = np.abs(a[:, None] - b).max(axis=-1)
    nearest = far.argmin(axis=1)
    rows = np.flatnonzero((far.argmin(axis=0)[nearest] == np.arange(len(a))) & (far.min(axis=1) < NEAR_PX))
    return _enough(rows.size, counts, ([value[rows] for value in ours], [value[nearest[rows]] for value in theirs]))


def _enough(number: int, counts: tuple[int, int], pairs: tuple[Any, Any]) -> tuple[Any, Any]:
    if number < (1 - MAX_UNPAIRED) * max(counts):
        expected = f"the graph to answer the network's {counts[0]} objects"
        raise IntegrityError(
            expected, f"{number} of them and {counts[1]} in all", "convert with another `convert.opset`"
        )
    return pairs


def sample(size: tuple[int, int]) -> Tensor:
    """A smooth, structured test image, float (1, 3, h, w) of about unit variance, always the same."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.standard_normal((1, 3, size[0] // 16, size[1] // 16)).astype(np.float32))
    return torch.nn.functional.interpolate(coarse, size=size, mode="bicubic")


def _gap(a: Any, b: Any) -> float:
    if a.shape != b.shape:
        remedy = "convert again with another `convert.opset`"
        raise IntegrityError(f"the graph to answer shape {a.shape}", str(b.shape), remedy)
    return float(np.abs(a - b).max() / max(1.0, float(np.abs(a).max()))) if a.size else 0.0
