"""segwise convert: one approach: trained network → ONNX graph and specification in work/convert/<approach>/."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from segwise.errors import IntegrityError
from segwise.models import build, hybrid, instance, onnx, semantic
from segwise.models.params import ConvertParams
from segwise.spec import Approach, ModelSpec, sha256_of, write_spec

TRAINED = Path("work/train")
OUT = Path("work/convert")
SIBLINGS: dict[str, ModuleType] = {"semantic": semantic, "hybrid": hybrid, "instance": instance}


def run(approach: Approach, params: ConvertParams) -> dict[str, Any]:
    """Export `approach` and check that the graph answers what the network answers.

    Raises:
        IntegrityError: the network's files are damaged, or the graph differs by more than `params.max_abs_diff`.
    """
    sibling = SIBLINGS[approach]
    network, trained, card = build.load(TRAINED / sibling.NETWORK)
    graph = sibling.Graph(network)
    out = OUT / approach
    out.mkdir(parents=True, exist_ok=True)
    path = out / "model.onnx"
    onnx.write(graph, path, sibling.OUTPUTS, sibling.DYNAMIC_AXES, params.opset)
    gap = onnx.difference(graph, path)
    if gap > params.max_abs_diff:
        remedy = "raise `convert.max_abs_diff` or change `convert.opset`"
        raise IntegrityError(f"an ONNX graph within {params.max_abs_diff} of the network", f"{gap:.2e}", remedy)
    spec = ModelSpec(
        approach=approach,
        classes=card.classes,
        zoom=trained.zoom,
        stride_px=sibling.STRIDE_PX,
        mean=card.mean,
        std=card.std,
        contrast=trained.contrast,
        onnx_sha256=sha256_of(path),
        value_range=card.value_range,
        extra={
            "network": card.network,
            "encoder": trained.encoder.name,
            "train": card.params,
            **({"mask_shift_px": network.mask_shift_px} if isinstance(network, instance.InstanceNet) else {}),
        },
    )
    write_spec(out, spec)
    size_mb = path.stat().st_size / 1e6
    return {"approach": approach, "size_mb": size_mb, "summary": f"{approach}: {size_mb:.1f} MB, difference {gap:.1e}"}
