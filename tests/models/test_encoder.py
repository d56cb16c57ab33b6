from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from segwise.errors import UsageError
from segwise.models.encoder import build, packaged_weights
from segwise.models.params import EncoderParams


def test_the_packaged_weights_fill_the_encoder_tensor_by_tensor() -> None:
    encoder = build(EncoderParams())
    source = packaged_weights(encoder.net)
    own = {key: value for key, value in encoder.net.state_dict().items() if "num_batches_tracked" not in key}
    assert len(own) == 240  # the 247 of the whole classifier without its head's 7
    assert all(torch.equal(value, source[key]) for key, value in own.items())
    assert own["conv_stem.weight"].shape == (32, 3, 3, 3)


def test_the_packaged_weights_make_a_classifier_that_is_sure_of_its_answers() -> None:
    """A wrong order of tensors of equal shape would load as well, but its answers would be mush."""
    classifier = timm.create_model("tf_efficientnet_lite0")
    classifier.load_state_dict(packaged_weights(classifier))
    rows, columns = torch.meshgrid(torch.arange(224), torch.arange(224), indexing="ij")
    disc = ((rows - 112) ** 2 + (columns - 112) ** 2 < 70**2).float()
    orange = torch.stack((disc * 2 - 1, disc * 1.1 - 1, torch.full_like(disc, -1)))[None]
    with torch.inference_mode():
        share = classifier.eval()(orange).softmax(1)
    assert share.argmax().item() == 722  # ping-pong ball
    assert share.max() > 0.1


def test_features_come_by_stride() -> None:
    encoder = build(EncoderParams(pretrained="none"))
    with torch.inference_mode():
        features = encoder.eval()(torch.zeros(1, 3, 64, 96))
    assert {stride: (value.shape[1], *value.shape[2:]) for stride, value in features.items()} == {
        stride: (encoder.channels[stride], 64 // stride, 96 // stride) for stride in (2, 4, 8, 16, 32)
    }


def test_weights_from_a_file_are_loaded_and_a_pickle_is_refused(tmp_path: Path) -> None:
    first = build(EncoderParams(pretrained="none"))
    save_file(first.net.state_dict(), tmp_path / "mine.safetensors")
    second = build(EncoderParams(pretrained=str(tmp_path / "mine.safetensors")))
    assert torch.equal(first.net.state_dict()["conv_stem.weight"], second.net.state_dict()["conv_stem.weight"])
    torch.save(first.net.state_dict(), tmp_path / "mine.pth")
    with pytest.raises(UsageError, match="pickles are refused"):
        build(EncoderParams(pretrained=str(tmp_path / "mine.pth")))


def test_an_unknown_encoder_is_a_usage_error_with_near_names() -> None:
    with pytest.raises(UsageError, match="did you mean"):
        build(EncoderParams(name="efficientnet_lite00", pretrained="none"))


def test_packaged_weights_of_another_encoder_are_a_usage_error() -> None:
    with pytest.raises(UsageError, match="packaged"):
        build(EncoderParams(name="resnet18"))
