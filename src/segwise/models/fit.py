"""Runs a training to its budget: checkpoints on the way, resumed when interrupted, the same weights either way."""

from __future__ import annotations

import logging
import shutil
import time
import warnings
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO
from pytorch_lightning.utilities import rank_zero_only
from torch import nn

from segwise.models.lightning import DenseTraining, InstanceTraining
from segwise.models.params import TrainParams
from segwise.models.progress import ProgressLines

Row = dict[str, float]


class WholeCheckpoints(TorchCheckpointIO):
    """A checkpoint appears whole or not at all, whenever the process dies."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:  # noqa: ARG002 -- Lightning's signature
        part = f"{path}.part"
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        torch.save(checkpoint, part)
        Path(part).replace(path)


class History(Callback):
    """One row per interval: `step` and the losses. Part of the checkpoint, so it survives an interruption.

    A resumed training begins with the end of an epoch without steps, which is no new row.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step >= trainer.max_steps:
            trainer.should_stop = True  # so that Lightning validates at the end of the budget, also within an interval

    def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if self.rows and trainer.global_step <= self.rows[-1]["step"]:
            return
        metrics = trainer.callback_metrics.items()
        keep = {key.removesuffix("_epoch"): float(value) for key, value in metrics if not key.endswith("_step")}
        self.rows.append({"step": float(trainer.global_step), **keep})

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rows = list(state["rows"])


class Stopwatch(Callback):
    """The minutes of training and validation, those before an interruption included."""

    def __init__(self) -> None:
        self.seconds, self._since = 0.0, time.monotonic()

    @property
    def minutes(self) -> float:
        return self.seconds / 60

    def on_train_start(self, *_: Any) -> None:
        self._since = time.monotonic()

    def on_train_epoch_end(self, *_: Any) -> None:
        self.seconds, self._since = self.seconds + time.monotonic() - self._since, time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seconds = float(state["seconds"])


class Patience(Callback):
    """Stops when `patience` validations in a row found no lower loss; holds the weights of the lowest."""

    def __init__(self, patience: int) -> None:
        self.patience, self.step, self.loss, self.misses = patience, 0, float("inf"), 0
        self.weights: dict[str, torch.Tensor] = {}

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.global_step > self.step:
            self.step = trainer.global_step
            self._look(float(trainer.callback_metrics["val_loss"]), cast("nn.Module", module.kept))
        trainer.should_stop = trainer.should_stop or self.misses >= self.patience

    def _look(self, loss: float, kept: nn.Module) -> None:
        self.misses = 0 if loss < self.loss else self.misses + 1
        if loss < self.loss:
            self.loss = loss
            self.weights = {key: value.detach().cpu().clone() for key, value in kept.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        return {"step": self.step, "loss": self.loss, "misses": self.misses, "weights": self.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def prepare(params: TrainParams) -> None:
    """Seeds and threads, before the network is built."""
    torch.set_num_threads(params.threads)
    pl.seed_everything(params.seed, workers=True, verbose=False)


def is_first_process() -> bool:
    """Whether this process writes the files: of several that train together, one does."""
    return getattr(rank_zero_only, "rank", 0) in (0, None)


def forget(folder: Path) -> None:
    """Remove the checkpoints of a training, if there are any."""
    shutil.rmtree(folder, ignore_errors=True)


def fit(
    module: DenseTraining | InstanceTraining,
    train: Any,
    validation: Any,
    params: TrainParams,
    folder: Path,
    label: str,
    watch: Stopwatch | None = None,
) -> tuple[nn.Module, list[Row]]:
    """Train; the network that is kept, on the CPU, and the history.

    Args:
        train: a loader of `params.interval` steps whose sampler asks `position()` where to begin, see
            `dataset.loader.Draws`: Lightning's own count of epochs is off by one after a resume.
        validation: a loader, or None.
        folder: where checkpoints live; one that is there is resumed.
        watch: what takes the time.
    """
    prepare(params)
    history = History()
    last = ModelCheckpoint(folder, "last", every_n_epochs=1, save_on_train_epoch_end=True, enable_version_counter=False)
    callbacks: list[Callback] = [watch or Stopwatch(), history, ProgressLines(label, params.steps), last]
    best = Patience(params.patience)
    callbacks += [best] if params.patience else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on workers and logging intervals is not for users
        trainer = _trainer(params, callbacks)
        train.sampler.position = lambda: trainer.global_step
        path = folder / "last.ckpt"
        trainer.fit(module, train, validation, ckpt_path=path if path.is_file() else None, weights_only=True)
    kept = module.kept.cpu().eval()
    if best.weights:
        kept.load_state_dict(best.weights)
    return kept, history.rows


def _trainer(params: TrainParams, callbacks: list[Callback]) -> pl.Trainer:
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return pl.Trainer(
        accelerator=params.accelerator,
        devices=params.devices,
        strategy=params.strategy,
        precision=params.precision,
        max_steps=params.steps,
        max_epochs=-1,
        gradient_clip_val=params.gradient_clip or None,
        callbacks=callbacks,
        deterministic="warn",  # some CUDA kernels of Mask R-CNN have no deterministic form; on the CPU all have
        logger=False,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,  # `Draws` divides the draws among the processes itself
        plugins=[WholeCheckpoints()],
    )
