"""Says how far training is: a bar on a terminal, a line every few seconds in a pipe."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytorch_lightning as pl
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_EVERY_S = 5.0


class ProgressLines(pl.Callback):
    """Step, loss, seconds a step and time left, on stderr, from the first process."""

    def __init__(self, label: str, steps: int) -> None:
        self.label, self.steps = label, steps
        self.bar: Progress | None = None

    def on_train_start(self, trainer: pl.Trainer, *_: Any) -> None:
        self.first, self.start = trainer.global_step, time.monotonic()
        self.said = self.start
        if trainer.is_global_zero and sys.stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
            self.bar = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn())
            self.task = self.bar.add_task(self.label, total=self.steps, completed=self.first)
            self.bar.start()
        elif trainer.is_global_zero and self.first:
            print(f"{self.label}: goes on from step {self.first}", file=sys.stderr, flush=True)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        now, step = time.monotonic(), trainer.global_step
        loss = float(trainer.callback_metrics.get("train_loss_step", float("nan")))
        if self.bar:
            self.bar.update(self.task, completed=step, description=f"{self.label} loss {loss:.3f}")
        elif trainer.is_global_zero and (now - self.said >= LINE_EVERY_S or step == self.steps):
            self.said, pace = now, (now - self.start) / max(step - self.first, 1)
            left = pace * (self.steps - step)
            line = f"{self.label}: step {step}/{self.steps}  loss {loss:.3f}  {pace:.2f} s/step  {_clock(left)} left"
            print(line, file=sys.stderr, flush=True)

    def on_train_end(self, *_: Any) -> None:
        self._stop()

    def on_exception(self, *_: Any) -> None:
        self._stop()

    def _stop(self) -> None:
        if self.bar:
            self.bar.stop()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
