"""Parameters of `compare`."""

from __future__ import annotations

from pydantic import Field

from segwise.config import Section


class CompareParams(Section):
    """`num_worst`: images on a candidate's page of its worst ones."""

    num_worst: int = Field(default=50, ge=1, le=1000)
