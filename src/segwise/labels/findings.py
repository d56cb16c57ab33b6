"""Findings as counts, as a table, as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, astuple, fields
from typing import Any

import pandas as pd

from segwise.dataset.finding import Finding, errors_in
from segwise.spec import canonical_json

COLUMNS = tuple(field.name for field in fields(Finding))


def counts(findings: Sequence[Finding]) -> dict[str, Any]:
    """Number of errors, of warnings, and of findings by check."""
    num_errors = len(errors_in(findings))
    by_check = dict(sorted(Counter(f.check for f in findings).items()))
    return {"num_errors": num_errors, "num_warnings": len(findings) - num_errors, "findings": by_check}


def table(findings: Sequence[Finding]) -> pd.DataFrame:
    """The findings as rows of text, in the order given.

    Returns:
        columns check, severity, image, object_id, came, remedy, effect, all str; image and object_id are "" where
        there is none.
    """
    rows = [["" if value is None else str(value) for value in astuple(finding)] for finding in findings]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype="str")


def as_json(findings: Sequence[Finding]) -> str:
    """All findings as one JSON list."""
    return canonical_json([asdict(finding) for finding in findings])
