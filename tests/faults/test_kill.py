"""Whatever stops a stage or an effect, one more run without a manual step gives the result of an undisturbed one."""

from __future__ import annotations

from tests.faults.trials import Bench


def points(prepared: Bench) -> list[int]:
    """The first, the middle and the last change of a file."""
    number = prepared.num_changes
    assert number > 0
    return sorted({1, (number + 1) // 2, number})


def test_killed_at_its_start_middle_or_end_one_more_run_gives_the_same_result(prepared: Bench) -> None:
    assert {at: prepared.trial(at, "torn") for at in points(prepared)} == dict.fromkeys(points(prepared), "")


def test_a_disk_that_is_full_from_its_start_middle_or_end_on_harms_nothing(prepared: Bench) -> None:
    found = {at: prepared.trial(at, "full") for at in points(prepared)}
    assert set(found.values()) <= {"", "unharmed"}, found
    assert found[1] == "", "a full disk cannot go unnoticed"
