"""Thresholds become checks, checks become a verdict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segwise.errors import IntegrityError
from segwise.gate.checks import Check, limits_of
from segwise.gate.checks import make_checks as make_checks_at
from segwise.gate.params import GateParams, Thresholds
from segwise.gate.verdict import Verdict, gather
from segwise.gate.verdict import judge as judge_values
from segwise.spec import canonical_json
from segwise.stages import gate
from tests.gate.made import make_sums, sample, sure, write_evidence

GOOD: dict[str, float | None] = {"miou": 0.9, "count_error": 0.1, "p50_ms": 20.0, "p95_ms": 25.0}


LIMITED = GateParams(min_miou=0.5)


def make_checks(values: dict[str, float | None], limits: dict[str, float]) -> tuple[Check, ...]:
    """The checks of figures that every draw agrees with."""
    return make_checks_at(sure(values), limits, 0.05)


def judge(
    values: dict[str, dict[str, float | None]], params: GateParams, refused: dict[str, str] | None = None
) -> Verdict:
    """The verdict on figures that every draw agrees with."""
    return judge_values({approach: sure(numbers) for approach, numbers in values.items()}, params, refused)


def test_a_value_on_its_limit_passes() -> None:
    checks = make_checks({"miou": 0.8, "count_error": 0.15}, {"min_miou": 0.8, "max_count_error": 0.15})
    assert [c.passed for c in checks] == [True, True]


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["min_miou", "max_count_error"])
def test_a_missing_or_undefined_value_never_passes(name: str, value: float | None) -> None:
    (check,) = make_checks({name[4:]: value}, {name: 0.5})
    assert not check.passed
    assert check.value is None
    assert "no number" in check.requirement()


def test_a_check_without_a_limit_is_not_made() -> None:
    assert judge({"semantic": GOOD}, GateParams()).checks == {"semantic": ()}


def test_the_cheapest_approach_that_passes_wins_not_the_best() -> None:
    values = {
        "semantic": GOOD | {"count_error": 0.4, "p50_ms": 5.0},
        "hybrid": GOOD,
        "instance": GOOD | {"count_error": 0.01, "p50_ms": 200.0},
    }
    verdict = judge(values, GateParams(max_count_error=0.15))
    assert verdict.winner == "hybrid"
    assert "semantic fails: count error would have to fall from 40.0 % to at most 15.0 %" in verdict.why()


def test_clock_noise_does_not_change_the_winner() -> None:
    def winner(semantic_ms: float, hybrid_ms: float) -> str | None:
        values = {"hybrid": GOOD | {"p50_ms": hybrid_ms}, "semantic": GOOD | {"p50_ms": semantic_ms}}
        return judge(values, GateParams(same_cost_within=0.1)).winner

    assert winner(20.0, 20.4) == winner(20.4, 20.0) == winner(20.9, 19.5) == "semantic"
    assert winner(30.0, 20.0) == "hybrid"


def test_the_numbers_come_from_both_files() -> None:
    values = gather({"ap": 0.5, "ap50": 0.7, "miou": 0.9}, {"p95_ms": 30.0, "model_mb": 14.0})
    assert (values["mask_ap"], values["mask_ap50"], values["miou"]) == (0.5, 0.7, 0.9)
    assert (values["p95_ms"], values["model_mb"], values["pq"]) == (30.0, 14.0, None)


def test_an_approach_that_was_not_timed_is_never_the_cheapest() -> None:
    values = {"semantic": GOOD | {"p50_ms": None}, "instance": GOOD}
    assert judge(values, GateParams(min_miou=0.5)).winner == "instance"


def test_the_order_of_the_approaches_does_not_matter() -> None:
    values = dict.fromkeys(("instance", "hybrid", "semantic"), GOOD)
    params = GateParams(min_miou=0.5)
    assert judge(values, params) == judge(dict(reversed(values.items())), params)


def test_limits_of_one_approach_replace_or_drop_the_general_ones() -> None:
    own = Thresholds.model_validate({"min_mask_ap50": None, "max_count_error": 0.3})
    params = GateParams(min_mask_ap50=0.7, min_miou=0.8, max_count_error=0.15, per_approach={"semantic": own})
    assert limits_of(params, "semantic") == {"min_miou": 0.8, "max_count_error": 0.3}
    assert limits_of(params, "hybrid") == {"min_miou": 0.8, "min_mask_ap50": 0.7, "max_count_error": 0.15}


def test_nothing_wins_when_nothing_passes_and_every_remedy_is_named() -> None:
    verdict = judge({"semantic": GOOD, "hybrid": GOOD | {"miou": None}}, GateParams(min_miou=0.95, max_p95_ms=10))
    assert verdict.winner is None
    for part in (
        "mIoU would have to rise from 0.900 to at least 0.950",
        "from 25.0 ms to at most 10.0 ms",
        "hybrid fails: mIoU has no number",
    ):
        assert part in verdict.why()


def decided(*used: float | None) -> dict[str, object]:
    return {"decisions": {str(i): {"kind": "count", "used": value} for i, value in enumerate(used)}}


@pytest.mark.parametrize(
    ("metrics", "passes"),
    [
        (decided(0.7), True), (decided(0.7, 1.0), True), (decided(0.7, 1.001), False), (decided(1.2, 0.1), False),
        (decided(0.7, None), False), (decided(0.7, float("nan")), False), (decided(float("inf")), False),
        (decided(), False), ({}, False), ({"tolerance_used": 0.1}, False),
    ],
)  # fmt: skip
def test_the_worst_decision_must_keep_its_tolerance_and_an_unknown_one_never_does(
    metrics: dict[str, object], passes: bool
) -> None:
    verdict = judge({"hybrid": {**gather(metrics, {}), "p50_ms": 1.0}}, GateParams(max_tolerance_used=1))
    assert (verdict.winner == "hybrid") is passes


def test_a_missed_tolerance_is_told_in_units_of_the_tolerance() -> None:
    (check,) = make_checks({"tolerance_used": 1.36}, {"max_tolerance_used": 1.0})
    assert check.requirement() == "decision error would have to fall from 1.4 × tolerance to at most 1.0 × tolerance"


def test_a_refused_candidate_never_wins_and_its_reason_is_told() -> None:
    reason = "the trigger fires on 71 % of the images, so it saves 3 %"
    verdict = judge({"hybrid": GOOD}, GateParams(), {"cascade": f"{reason}."})
    assert (verdict.winner, verdict.passed("cascade")) == ("hybrid", False)
    assert f"cascade was refused: {reason}." in verdict.why()
    assert verdict.full()["approaches"]["cascade"] == {
        "passed": False, "verdict": "hold", "checks": [], "not_judged": {}, "to_change": [reason],
    }  # fmt: skip
    assert "71" not in canonical_json(verdict.bare())  # its numbers move while the outcome stays
    alone = judge({}, GateParams(), {"cascade": reason})
    assert (alone.winner, alone.bare()["why"]) == (None, "No approach passes: cascade was refused.")


def test_a_cascade_has_limits_of_its_own_and_is_the_least_simple() -> None:
    own = Thresholds.model_validate({"min_miou": 0.95})
    params = GateParams(min_miou=0.5, per_approach={"cascade": own})
    assert judge({"cascade": GOOD}, params).winner is None
    assert judge({"cascade": GOOD, "instance": GOOD}, GateParams()).winner == "instance"


def test_the_stage_reads_a_refusal_from_the_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_work(tmp_path)
    folder = tmp_path / "work/evaluate/cascade"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(canonical_json({"refused": "it saves 3 %"}))
    result = gate.run(GateParams(replicates=100))
    assert result["winner"] == "semantic"
    assert result["approaches"]["cascade"]["to_change"] == ["it saves 3 %"]


def test_the_reason_says_how_the_winner_won() -> None:
    other = GOOD | {"p50_ms": 40.0}
    assert (
        judge({"hybrid": GOOD, "semantic": GOOD | {"miou": 0.1}}, LIMITED)
        .why()
        .startswith("hybrid is the only approach that passes every check. semantic fails: mIoU would have to")
    )
    assert judge({"hybrid": GOOD, "semantic": GOOD, "instance": GOOD}, LIMITED).why() == (
        "semantic passes every check, costs about the same as hybrid and instance and is the simplest."
    )
    assert judge({"hybrid": GOOD, "semantic": other}, LIMITED).why() == (
        "hybrid is the cheapest of the approaches that pass every check (semantic, hybrid)."
    )
    told = judge({"hybrid": GOOD, "semantic": other}, LIMITED).bare()["why"]
    assert told == "hybrid is the cheapest approach that passes every check (semantic, hybrid pass)."


def test_a_cost_exactly_at_the_tolerance_is_a_tie() -> None:
    values = {"hybrid": GOOD, "semantic": GOOD | {"p50_ms": 25.0}}
    assert judge(values, GateParams(same_cost_within=0.25)).tied == ("semantic", "hybrid")
    assert judge(values, GateParams(same_cost_within=0.24)).tied == ("hybrid",)
    assert judge(values, GateParams(same_cost_within=0.25)).winner == "semantic"


def test_the_rule_says_confidence_candidates_and_alpha() -> None:
    verdict = judge(dict.fromkeys(("semantic", "hybrid"), GOOD), GateParams())
    assert verdict.rule() == (
        "A check passes if its figure meets the limit even at worst, a one-sided bootstrap bound over groups with "
        "97.5 % confidence. All checks of an approach must pass, which needs no correction for their number "
        "(intersection-union test); any of 2 candidates may win, so each has 1/2 of the 5 % that a false promotion "
        "may come to (Bonferroni)."
    )
    assert (verdict.full()["rule"], verdict.full()["alpha"]) == (verdict.rule(), 0.025)
    assert judge(dict.fromkeys(("semantic", "hybrid", "instance"), GOOD), GateParams()).full()["alpha"] == 0.016667
    assert judge({}, GateParams(), {"cascade": "no"}).rule() == "No candidate was measured."


def test_one_approach_that_is_held_leaves_the_others_open() -> None:
    values = {"semantic": {"miou": sample(0.5)}, "hybrid": {"miou": sample(0.9, 0.7)}}
    verdict = judge_values(values, GateParams(min_miou=0.8))
    assert (verdict.winner, verdict.word) == (None, "inconclusive")
    assert verdict.bare()["why"] == (
        "No approach is proven to pass: semantic fails min_miou; hybrid is not proven in min_miou."
    )
    both = {"hybrid": {"miou": sample(0.9, 0.7), "f1": sample(0.1)}}
    assert judge_values(both, GateParams(min_miou=0.8, min_f1=0.2)).bare()["why"] == (
        "No approach passes: hybrid fails min_f1 and is not proven in min_miou."
    )


def test_a_near_miss_is_shown_with_enough_digits_to_see_it() -> None:
    (check,) = make_checks({"count_error": 0.15004}, {"max_count_error": 0.15})
    assert "from 15.004 %" in check.requirement()
    (check,) = make_checks({"p95_ms": 25.000004}, {"max_p95_ms": 25.0})
    assert "from 25.000004 ms to at most 25.0 ms" in check.requirement()
    (check,) = make_checks({"p95_ms": 25.0000004}, {"max_p95_ms": 25.0})
    assert "from 25.000000 ms" in check.requirement()  # six digits are enough


def write_work(root: Path, p95_ms: float = 25.0, approaches: tuple[str, ...] = ("semantic", "hybrid")) -> None:
    write_evidence(root, dict.fromkeys(approaches, make_sums(0.9)), p95_ms)


def test_the_verdict_file_is_the_same_whatever_the_clock_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    texts = []
    for p95_ms in (123.4567, 145.9876):
        write_work(tmp_path, p95_ms)
        gate.run(GateParams(replicates=100, min_miou=0.8, max_p95_ms=100))
        texts.append(Path("work/gate/verdict.json").read_text())
        assert str(p95_ms)[:5] in Path("work/gate/checks.json").read_text()
    assert texts[0] == texts[1]
    assert "123" not in texts[0]
    assert json.loads(texts[0])["winner"] is None


def test_a_moved_limit_that_changes_no_outcome_leaves_the_verdict_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_work(tmp_path)
    texts = []
    for limit in (0.7, 0.8, 0.95):
        gate.run(GateParams(replicates=100, min_miou=limit))
        texts.append(Path("work/gate/verdict.json").read_text())
    assert texts[0] == texts[1] != texts[2]


def test_the_gate_stage_returns_normally_on_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_work(tmp_path)
    result = gate.run(GateParams(replicates=100, min_miou=0.99))
    assert result["winner"] is None
    assert result["approaches"]["hybrid"]["checks"][0]["value"] == pytest.approx((0.9 + 8000 / 8200) / 2)


def test_the_gate_stage_asks_for_figures_when_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(IntegrityError, match="dvc repro"):
        gate.run(GateParams(replicates=100))
