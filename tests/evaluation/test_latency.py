from __future__ import annotations

import pytest

from segwise.evaluation.latency import interleaved, percentiles, timed


def test_names_take_turns_and_warm_up_is_not_timed() -> None:
    order: list[str] = []
    now = [0.0]

    def call(name: str, seconds: float):  # type: ignore[no-untyped-def]  # a factory of calls
        def run(item: int) -> None:
            order.append(f"{name}{item}")
            now[0] += seconds

        return run

    taken = interleaved({"a": call("a", 0.001), "b": call("b", 0.002)}, 2, warmup=1, rounds=2, clock=lambda: now[0])
    assert order == ["a0", "b0", *["a0", "b0", "a1", "b1"] * 2]
    assert taken["a"] == pytest.approx([1.0] * 4)
    assert taken["b"] == pytest.approx([2.0] * 4)


def test_percentiles_and_throughput_of_known_times() -> None:
    figures = percentiles([10.0] * 98 + [20.0, 110.0])
    assert figures["p50_ms"] == 10.0
    assert figures["p99_ms"] == pytest.approx(20.9)
    assert figures["jitter"] == pytest.approx(2.09)
    assert figures["images_per_s"] == pytest.approx(1000 / 11.1)


def test_without_a_measurement_there_is_no_figure() -> None:
    assert set(percentiles([]).values()) == {None}


def test_every_clock_is_read_around_every_call() -> None:
    wall, cpu = [0.0], [0.0]

    def run(item: int) -> None:
        wall[0] += 1 + item
        cpu[0] += 0.5

    taken = timed({"a": run}, 2, warmup=1, rounds=2, clocks=[lambda: wall[0], lambda: cpu[0]])
    assert taken["a"].tolist() == [[1, 2, 1, 2], [0.5] * 4]
    assert timed({"a": run}, 0, warmup=1, rounds=2, clocks=[lambda: 0.0])["a"].shape == (1, 0)
