"""Images are decoded by as many threads as the process may use, and never by so many that memory runs out."""

from __future__ import annotations

import pytest

from segwise.dataset import workers


@pytest.mark.parametrize(("allowed", "wanted"), [({3}, 1), ({0, 5}, 2), (set(range(64)), 8)])
def test_there_are_as_many_as_processors_that_the_process_may_run_on_but_at_most_8(
    allowed: set[int], wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: allowed, raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    assert workers.count() == wanted


def test_where_no_affinity_is_known_all_processors_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    for found, wanted in ((4, 4), (64, 8), (None, 1)):
        monkeypatch.setattr("os.cpu_count", lambda found=found: found)
        assert workers.count() == wanted
