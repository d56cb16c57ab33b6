"""The networks as Lightning trains them: loss, optimiser, running average. Siblings with the same methods."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, cast

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics.classification import MulticlassJaccardIndex

from segwise.models.dense import DenseNet
from segwise.models.instance import InstanceNet, total
from segwise.models.losses import dense_losses
from segwise.models.params import DenseParams, InstanceParams, TrainParams
from segwise.types import IGNORE_INDEX


class _Training(pl.LightningModule):
    """What both share: the schedule, the average and the log. A step's random draws depend on the step alone."""

    def __init__(self, network: nn.Module, params: TrainParams) -> None:
        super().__init__()
        self.network, self.params = network.to(memory_format=torch.channels_last), params
        self.average = deepcopy(self.network).requires_grad_(False) if params.ema_decay else None

    def losses(self, batch: dict[str, Any], network: nn.Module) -> dict[str, Tensor]:
        raise NotImplementedError

    @property
    def kept(self) -> nn.Module:
        """The network whose weights are kept: the running average where there is one."""
        return self.average or self.network

    def training_step(self, batch: dict[str, Any], *_: int) -> Tensor:
        pl.seed_everything(self.params.seed + self.global_step, verbose=False)
        loss = total(self.losses(batch, self.network))
        self.log("train_loss", loss, on_step=True, on_epoch=True, batch_size=self.params.batch_size, sync_dist=True)
        return loss

    def validation_step(self, batch: dict[str, Any], index: int) -> None:
        pl.seed_everything(self.params.seed + index, verbose=False)
        parts = self.losses(batch, self.kept)
        values = {"val_loss": total(parts), **{f"val_{name}": value for name, value in parts.items()}}
        self.log_dict(values, on_epoch=True, batch_size=self.params.batch_size, sync_dist=True)

    def on_train_batch_end(self, *_: Any) -> None:
        if self.average is None:
            return
        decay = min(self.params.ema_decay, self.global_step / (self.global_step + 10))
        for kept, now in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
            kept.copy_(kept.lerp(now, 1 - decay) if kept.is_floating_point() else now)

    def configure_optimizers(self) -> Any:
        p = self.params
        optimizer = torch.optim.AdamW(_groups(self.network, p), lr=p.lr)
        rates = [group["lr"] for group in optimizer.param_groups]
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, rates, p.steps + 1, pct_start=max(p.warmup, 1e-6), cycle_momentum=False, div_factor=20
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class DenseTraining(_Training):
    """Trains a `DenseNet` on batches of `loader.Crops(kind="dense")`. A validation also logs `val_miou`: the mean over
    the classes, background among them, of the intersection over union of all its pixels."""

    def __init__(self, network: DenseNet, params: DenseParams, class_weights: Tensor | None = None) -> None:
        super().__init__(network, params)
        self.loss_params = params.loss
        self.class_weights = class_weights
        count = network.classes.out_channels
        self.miou = MulticlassJaccardIndex(count, average="macro", ignore_index=IGNORE_INDEX, validate_args=False)

    def losses(self, batch: dict[str, Any], network: nn.Module) -> dict[str, Tensor]:
        weights = None if self.class_weights is None else self.class_weights.to(self.device)
        out = network(batch["image"].contiguous(memory_format=torch.channels_last))
        if not self.training:
            logits = functional.interpolate(out["logits"].float(), scale_factor=2.0, mode="bilinear")
            self.miou.update(logits.argmax(1), batch["class_map"])
        return dense_losses(out, batch, self.loss_params, weights)

    def on_validation_epoch_start(self) -> None:
        self.miou.reset()

    def on_validation_epoch_end(self) -> None:
        self.log("val_miou", self.miou.compute(), sync_dist=True)


class InstanceTraining(_Training):
    """Trains either `InstanceNet` on batches of `loader.Crops(kind="instance")`."""

    def __init__(self, network: InstanceNet, params: InstanceParams) -> None:
        super().__init__(network, params)

    def losses(self, batch: dict[str, Any], network: nn.Module) -> dict[str, Tensor]:
        return cast("InstanceNet", network).losses(
            batch["image"].contiguous(memory_format=torch.channels_last), batch["objects"]
        )


def _groups(network: nn.Module, params: TrainParams) -> list[dict[str, Any]]:
    """Parameter groups: the encoder learns slower; biases and normalisation do not decay."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, value in network.named_parameters():
        groups.setdefault((name.startswith("encoder."), value.ndim > 1), []).append(value)
    return [
        {
            "params": values,
            "lr": params.lr * (params.encoder_lr_scale if is_encoder else 1.0),
            "weight_decay": params.weight_decay if decays else 0.0,
        }
        for (is_encoder, decays), values in groups.items()
    ]
