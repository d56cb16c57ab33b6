from __future__ import annotations

from segwise.predict.search import sweep

GRID = {"method": (0.0, 1.0), "a": (0.1, 0.2, 0.3), "b": (1.0, 2.0)}
START = {"method": 0.0, "a": 0.1, "b": 1.0}
ONLY = {"b": ("method", 1.0)}


def test_the_best_value_of_each_key_is_found() -> None:
    fit = sweep(lambda p: -abs(p["a"] - 0.3) + p["b"], START, GRID, sweeps=2)
    assert (fit.point["a"], fit.point["b"]) == (0.3, 2.0)


def test_a_tie_keeps_the_start() -> None:
    assert sweep(lambda p: 0.0, START, GRID, sweeps=2, only_with=ONLY).point == START


def test_a_switch_wins_only_with_the_keys_that_belong_to_it() -> None:
    fit = sweep(lambda p: p["method"] * (p["b"] - 1.5), START, GRID, sweeps=2, only_with=ONLY)
    assert fit.point == {"method": 1.0, "a": 0.1, "b": 2.0}


def test_keys_of_the_other_branch_are_not_tried() -> None:
    tried: list[dict[str, float]] = []
    sweep(lambda p: tried.append(p) or 0.0, START, GRID, sweeps=1, only_with=ONLY)
    assert not [p for p in tried if p["method"] == 0.0 and p["b"] != 1.0]
