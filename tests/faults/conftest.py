"""Jobs prepared once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import onnxruntime  # noqa: F401  # loaded before the forks, each of which would load it
import pytest

from tests.faults.jobs import JOBS
from tests.faults.trials import Bench, bench


@pytest.fixture(scope="module", params=JOBS, ids=lambda job: job.name)
def prepared(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Each job in turn, with what it leaves undisturbed."""
    with bench(request.param) as made:
        yield made
