"""One rule of the contract: a column of a fact table and the range its values lie in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segwise.dataset.finding import Severity
from segwise.labels.facts.tables import Table

TABLES: tuple[Table, ...] = ("images", "objects", "classes", "files")


@dataclass(frozen=True, slots=True)
class Rule:
    """`column` of `table` lies in [low, high]; None is no bound, and no value (NaN) does not break it.

    Attributes:
        came: what a finding says: a format string over the columns of the broken row.
        is_gathered: rows that break it are one finding where they are usual, as `usual_share` and `list_at_most` say:
            see `judge`. `lead` says what they are, for classes.
    """

    check: str
    table: Table
    column: str
    low: float | None
    high: float | None
    came: str
    remedy: str
    severity: Severity = "warning"
    is_gathered: bool = False
    lead: str = ""
    usual_share: float = 1.0
    list_at_most: int = 10**9

    def excess(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """How far each row's value lies outside the range, (N,); 0 within."""
        values = frame[self.column].to_numpy(dtype=float)
        low = -np.inf if self.low is None else self.low
        high = np.inf if self.high is None else self.high
        return np.nan_to_num(np.maximum(np.maximum(low - values, values - high), 0.0), nan=0.0)


def say(rule: Rule, row: Mapping[str, Any]) -> str:
    """What a finding says of one broken row."""
    return rule.came.format_map(row)
