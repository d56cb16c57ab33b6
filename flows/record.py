"""What the last run did, `.segwise/last_run.json`: how each stage ended and how long it took."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from segwise.errors import VERDICT_CODES, SegwiseError
from segwise.spec import sha256_of

VERDICTS = dict(zip(VERDICT_CODES, ("held", "inconclusive"), strict=True))


def last_run_path(root: Path) -> Path:
    """Where it is kept."""
    return root / ".segwise" / "last_run.json"


def lock_sha256(root: Path) -> str:
    """SHA-256 of dvc.lock, "" if there is none."""
    path = root / "dvc.lock"
    return sha256_of(path) if path.is_file() else ""


def read_seconds(root: Path) -> dict[str, float]:
    """Seconds each stage took when it last ran here."""
    try:
        return {name: float(s) for name, s in read(root).get("seconds", {}).items()}
    except (AttributeError, TypeError, ValueError):
        return {}


def read(root: Path) -> dict[str, Any]:
    """The record, `{}` if there is none or it is torn."""
    try:
        value = json.loads(last_run_path(root).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


class Record:
    """Collects outcomes and failures of one run."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self.seconds = read_seconds(root)
        self.outcomes: dict[str, str] = {}
        self.failures: dict[str, dict[str, Any]] = {}
        self._lock_sha256 = ""
        self.write()

    def done(self, step: str, outcome: str, seconds: float = 0.0) -> None:
        """A step succeeded; a stage that really ran teaches the next run's estimate."""
        self.outcomes[step] = outcome
        self.failures.pop(step, None)  # a retry succeeded
        if outcome == "ran":
            self.seconds[step] = round(seconds, 1)
        self.write()

    def failed(self, step: str, error: Exception) -> None:
        """A step failed, or ended with a verdict that promotes nothing."""
        code = error.exit_code if isinstance(error, SegwiseError) else 1
        self.outcomes[step] = VERDICTS.get(code, "failed")
        self.failures[step] = {"exit_code": code, "message": str(error)}
        self.write()

    def ended_well(self, step: str) -> bool:
        """Whether the step was reached in this run and did not fail."""
        return self.outcomes.get(step, "failed") != "failed"

    def keep_lock(self) -> None:
        """Remember the dvc.lock this run ends with: with another one, it was not the last to change something."""
        self._lock_sha256 = lock_sha256(self._root)
        self.write()

    def exit_code(self) -> int:
        """The first failure's; a verdict's only if nothing worse happened."""
        codes = [int(f["exit_code"]) for f in self.failures.values()]
        worse = [code for code in codes if code not in VERDICT_CODES]
        return (worse or codes or [0])[0]

    def write(self) -> None:
        """Store it."""
        path = last_run_path(self._root)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock:
            value = {
                "exit_code": self.exit_code(),
                "outcomes": dict(self.outcomes),
                "failures": dict(self.failures),
                "seconds": dict(self.seconds),
                "lock_sha256": self._lock_sha256,
            }
            part = path.with_suffix(".part")
            part.write_text(json.dumps(value, indent=2), encoding="utf-8")
            part.replace(path)
