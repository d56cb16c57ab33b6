from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import nn

from segwise.errors import IntegrityError
from segwise.models import build, hybrid, instance, onnx, semantic
from segwise.models.lightning import InstanceTraining
from segwise.models.params import DenseParams, EncoderParams, InstanceParams
from segwise.spec import ClassSpec

CLASSES = (ClassSpec(id=1, name="a", isthing=True), ClassSpec(id=2, name="b", isthing=False))
NONE = EncoderParams(pretrained="none")
SIBLINGS = {"semantic": semantic, "hybrid": hybrid, "mask_rcnn": instance, "fcos_mask": instance}
SMALL: dict[str, Any] = {"encoder": NONE, "pyramid_width": 16, "box_width": 32, "mask_layers": 1}
INSTANCE = [InstanceParams(**SMALL, architecture=name) for name in instance.ARCHITECTURES]
BY_NAME = pytest.mark.parametrize("params", INSTANCE, ids=list(instance.ARCHITECTURES))


def network(approach: str, seed: int = 0) -> nn.Module:
    """A network with random weights whose instance head is as sure as a trained one."""
    torch.manual_seed(seed)
    if approach not in instance.ARCHITECTURES:
        return build.build(DenseParams(encoder=NONE, decoder_widths=(16, 8, 8, 8)), len(CLASSES)).eval()
    net = build.build(InstanceParams(**SMALL, architecture=approach), len(CLASSES)).eval()  # type: ignore[arg-type]
    if approach == "mask_rcnn":
        nn.init.normal_(net.heads.box_predictor.cls_score.weight, std=0.5)  # type: ignore[union-attr]
    else:
        nn.init.normal_(net.scores.weight, std=0.05)  # type: ignore[union-attr, arg-type]
    return net


@pytest.fixture(scope="module", params=list(SIBLINGS))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, nn.Module, Path]:
    sibling = SIBLINGS[request.param]
    graph = sibling.Graph(network(request.param))
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    onnx.write(graph, path, sibling.OUTPUTS, sibling.DYNAMIC_AXES, 17)
    return request.param, graph, path


@pytest.mark.parametrize("size", [(64, 64), (96, 160)])
def test_the_graph_answers_what_the_network_answers_at_any_size(
    exported: tuple[str, nn.Module, Path], size: tuple[int, int]
) -> None:
    approach, graph, path = exported
    image = onnx.sample(size)
    with torch.inference_mode():
        ours = [value.numpy() for value in graph(image)]
    theirs = ort.InferenceSession(path).run(list(SIBLINGS[approach].OUTPUTS), {"image": image.numpy()})
    for a, b in zip(ours, theirs, strict=True):
        assert a.size
        np.testing.assert_allclose(a, b, atol=1e-3, rtol=1e-3)


def test_two_exports_give_the_same_bytes(exported: tuple[str, nn.Module, Path], tmp_path: Path) -> None:
    approach, graph, path = exported
    sibling = SIBLINGS[approach]
    onnx.write(graph, tmp_path / "again.onnx", sibling.OUTPUTS, sibling.DYNAMIC_AXES, 17)
    assert (tmp_path / "again.onnx").read_bytes() == path.read_bytes()


def test_a_graph_of_other_weights_is_far_from_the_network(exported: tuple[str, nn.Module, Path]) -> None:
    approach, _, path = exported
    other = SIBLINGS[approach].Graph(network(approach, seed=1))
    try:
        gap = onnx.difference(other, path)
    except IntegrityError:  # another number of objects
        gap = float("inf")
    assert gap > 1e-3


def _answers(count: int) -> list[np.ndarray]:
    """Outputs of `count` objects with boxes of 10 px side by side, two classes in turn."""
    left = 12.0 * np.arange(count, dtype=np.float32)
    boxes = np.stack((left, 0 * left, left + 10, 0 * left + 10), axis=1)
    return [boxes, np.arange(count) % 2 + 1, np.linspace(0.9, 0.1, count, dtype=np.float32)]


def test_graphs_are_compared_object_by_object_whatever_their_order() -> None:
    ours, order = _answers(4), [0, 2, 1, 3]
    first, second = onnx.paired(ours, [value[order] for value in ours])
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert len(first[0]) == 4


def test_one_object_of_a_hundred_at_the_edge_of_suppression_is_no_difference_but_two_are() -> None:
    ours = _answers(100)
    first, second = onnx.paired(ours, [np.delete(value, 30, axis=0) for value in ours])
    assert len(first[0]) == 99
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    with pytest.raises(IntegrityError, match="98 of them"):
        onnx.paired(ours, [np.delete(value, [30, 31], axis=0) for value in ours])


@pytest.mark.parametrize("column", [0, 1])
def test_an_object_elsewhere_or_of_another_class_has_no_counterpart(column: int) -> None:
    ours = _answers(4)
    theirs = [value.copy() for value in ours]
    theirs[column][2] += 5
    with pytest.raises(IntegrityError, match="3 of them"):
        onnx.paired(ours, theirs)
    with pytest.raises(IntegrityError, match="0 of them"):
        onnx.paired(ours, [value[:0] for value in ours])


def test_the_dense_outputs_keep_the_contract_of_shapes_and_ranges() -> None:
    with torch.inference_mode():
        logits, center, offset, distance = hybrid.Graph(network("hybrid"))(onnx.sample((64, 96)))  # type: ignore[arg-type]
    assert logits.shape == (1, 3, 32, 48)
    assert offset.shape == (1, 2, 32, 48)
    for heat in (center, distance):
        assert heat.shape == (1, 1, 32, 48)
        assert 0 <= heat.min() and heat.max() <= 1


@pytest.mark.parametrize("architecture", instance.ARCHITECTURES)
def test_the_instance_outputs_keep_the_contract_of_shapes_and_ranges(architecture: str) -> None:
    with torch.inference_mode():
        boxes, labels, scores, masks = instance.Graph(network(architecture))(onnx.sample((64, 96)))  # type: ignore[arg-type]
    assert boxes.shape == (len(labels), 4)
    assert masks.shape == (len(labels), 28, 28)
    assert set(labels.tolist()) == {1, 2}
    assert scores.min() >= 0.05 and scores.max() <= 1
    assert torch.all(scores[:-1] >= scores[1:])
    assert 0 <= masks.min() and masks.max() <= 1
    assert boxes.min() >= 0 and boxes[:, 2].max() <= 96 and boxes[:, 3].max() <= 64


@pytest.mark.parametrize("architecture", instance.ARCHITECTURES)
def test_no_more_objects_are_answered_than_asked_for_and_these_are_the_best(architecture: str) -> None:
    net = network(architecture)
    with torch.inference_mode():
        many = net(onnx.sample((64, 64)))[2]
        cap = net.heads if architecture == "mask_rcnn" else net
        if architecture == "mask_rcnn":
            cap.detections_per_img = 7  # type: ignore[assignment]
        else:
            net.params = net.params.model_copy(update={"max_objects": 7})  # type: ignore[union-attr, operator]
        few = net(onnx.sample((64, 64)))[2]
    assert len(many) > 7
    assert few.tolist() == pytest.approx(many[:7].tolist())


def a_batch(side: int = 64) -> dict[str, Any]:
    """Two images: one object, and none."""
    objects = {
        "boxes": torch.tensor([[4.0, 4, 20, 20]]),
        "labels": torch.tensor([1]),
        "masks": torch.ones(1, side, side),
    }
    known = {"ignored": torch.zeros(side, side, dtype=torch.bool)}
    none = {key: value[:0] for key, value in objects.items()}
    return {"image": torch.zeros(2, 3, side, side), "objects": [objects | known, none | known]}


@BY_NAME
def test_what_is_ignored_is_not_punished(params: InstanceParams) -> None:
    """An image of which everything is ignored and nothing labelled teaches no score, box or mask."""
    module = InstanceTraining(build.build(params, 1), params)  # type: ignore[arg-type]
    batch = a_batch()
    batch = {"image": batch["image"][1:], "objects": batch["objects"][1:]}
    module.eval()
    with torch.no_grad():
        punished = sum(float(value) for value in module.losses(batch, module.network).values())
        batch["objects"][0]["ignored"][:] = True
        ignored = [float(torch.nan_to_num(v)) for v in module.losses(batch, module.network).values()]
    assert punished > 0.1
    assert ignored == pytest.approx([0] * len(ignored), abs=1e-6)


@BY_NAME
def test_an_instance_network_learns_nothing_from_validation(params: InstanceParams) -> None:
    module = InstanceTraining(build.build(params, 1), params)  # type: ignore[arg-type]
    before = {key: value.clone() for key, value in module.state_dict().items()}
    module.eval()
    with torch.no_grad():
        losses = module.losses(a_batch(), module.network)
    assert all(torch.isfinite(value) for value in losses.values())
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert not any(part.training for part in module.modules())


@BY_NAME
def test_every_weight_of_an_instance_network_learns(params: InstanceParams) -> None:
    torch.manual_seed(0)
    net = build.build(params, 1).train()
    batch = a_batch()
    instance.total(net.losses(torch.randn(2, 3, 64, 64), batch["objects"])).backward()  # type: ignore[operator]
    still = [name for name, value in net.named_parameters() if value.grad is None]
    assert still == []


@BY_NAME
def test_images_without_objects_give_finite_losses(params: InstanceParams) -> None:
    net = build.build(params, 1).train()
    batch = a_batch()
    losses = net.losses(batch["image"], [batch["objects"][1]] * 2)  # type: ignore[operator]
    assert all(torch.isfinite(value) for value in losses.values())


def test_weights_come_back_from_the_folder_bit_by_bit_and_changed_bytes_are_refused(tmp_path: Path) -> None:
    params = DenseParams(encoder=NONE, decoder_widths=(16, 8, 8, 8))
    net = build.build(params, 2)
    build.save(tmp_path, net, "dense", params, CLASSES)
    loaded, again, card = build.load(tmp_path)
    assert all(torch.equal(value, loaded.state_dict()[key]) for key, value in net.state_dict().items())
    assert (again, card.classes) == (params, CLASSES)
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match="SHA-256"):
        build.load(tmp_path)
    weights.unlink()
    with pytest.raises(IntegrityError, match=r"weights\.safetensors"):
        build.load(tmp_path)
