from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from segwise.decision.params import Decision
from segwise.errors import IntegrityError
from segwise.evaluation.bakeoff import bakeoff, costed, ordered
from segwise.evaluation.params import EvaluateParams
from segwise.evaluation.summary import summary
from segwise.evaluation.sums import Sums, stacked
from segwise.spec import canonical_json
from tests.evaluation.test_summary import CLASSES, measured

DECISIONS = {
    "number": Decision.model_validate({"kind": "count", "action": "if count() > 6 then act"}),
    "any": Decision(kind="presence", classes=("one",)),
}
PARAMS = EvaluateParams(replicates=60, confidence=0.8)  # so that the few groups of the scenes are enough
COSTS: dict[str, dict[str, Any]] = {
    "semantic": {"cpu_s_per_image": 0.036, "p95_ms": 40.0, "images_per_s": 30.0, "train_minutes": 5},
    "instance": {"cpu_s_per_image": 0.36, "p95_ms": 400.0, "images_per_s": 3.0},
}


@pytest.fixture(scope="module")
def candidates() -> dict[str, Sums]:
    return {
        "instance": stacked(measured(perfect=True, decisions=DECISIONS), CLASSES),
        "semantic": stacked(measured(decisions=DECISIONS), CLASSES),
    }


@pytest.fixture(scope="module")
def result(candidates: dict[str, Sums]) -> dict[str, Any]:
    return bakeoff(candidates, DECISIONS, CLASSES, COSTS, PARAMS, {"cascade": "it saves 1 %"})


def test_the_figures_are_those_of_the_candidates_own_metrics(
    candidates: dict[str, Sums], result: dict[str, Any]
) -> None:
    for name, sums in candidates.items():
        own = summary(sums, CLASSES, DECISIONS, PARAMS)
        for decision, told in own["decisions"].items():
            entry = result["decisions"][decision]["candidates"][name]
            assert {key: entry[key] for key in told} == told
        assert result["quality"][name]["f1"] == own["f1"]
        assert result["quality"][name]["intervals"] == own["intervals"]
        assert result["per_class"]["two"][name]["f1"] == own["per_class"]["two"]["f1"]


def test_a_difference_is_that_of_the_figures_and_of_each_draw(result: dict[str, Any]) -> None:
    told = result["decisions"]["number"]
    found = {d["figure"]: d for d in told["differences"]}
    assert found.keys() == {"used", "error", "accuracy"}
    errors = {c: v["error"] for c, v in told["candidates"].items()}
    assert found["error"]["difference"] == pytest.approx(errors["semantic"] - errors["instance"], abs=1e-6)
    # the perfect candidate's error is 0 in every draw: the difference's interval is the other one's own
    assert found["error"]["interval"] == told["candidates"]["semantic"]["intervals"]["error"]
    assert found["error"]["significant"]


def test_a_candidate_does_not_differ_from_itself(candidates: dict[str, Sums]) -> None:
    same = {"semantic": candidates["semantic"], "hybrid": candidates["semantic"]}
    twins = bakeoff(same, DECISIONS, CLASSES, {}, PARAMS)
    every = [*twins["differences"], *(d for told in twins["decisions"].values() for d in told["differences"])]
    assert {d["difference"] for d in every} <= {0.0, None}
    assert not any(d["significant"] for d in every)
    assert all(d["interval"] in ([0.0, 0.0], None) for d in every)


def test_the_result_is_json_and_does_not_depend_on_the_order(
    candidates: dict[str, Sums], result: dict[str, Any]
) -> None:
    backwards = dict(reversed(candidates.items()))
    again = bakeoff(backwards, DECISIONS, CLASSES, COSTS, PARAMS, {"cascade": "it saves 1 %"})
    assert canonical_json(again) == canonical_json(result)
    assert json.loads(canonical_json(result))["refused"] == {"cascade": "it saves 1 %"}
    assert list(result["decisions"]["any"]["candidates"]) == ordered(candidates) == ["semantic", "instance"]


def test_costs_are_counted_by_hand(result: dict[str, Any]) -> None:
    found = result["decisions"]["any"]["candidates"]["semantic"]
    assert found["cost_per_1000"] == pytest.approx(0.036 * 1000 / 3600 * 0.0425)
    assert found["cost_per_day"] == pytest.approx(0.036 * 10_000 / 3600 * 0.0425)
    assert (found["train_minutes"], found["p95_ms"], found["model_mb"]) == (5, 40.0, None)
    assert (found["deadline_met"], found["frames_met"]) == (None, None)


def test_deadline_and_frame_rate_are_held_against_the_clock() -> None:
    decision = Decision.model_validate({"kind": "count", "operation": {"deadline_ms": 100, "frames_per_s": 10}})
    fast, slow = (costed(decision, COSTS[name]) for name in ("semantic", "instance"))
    assert (fast["deadline_met"], fast["frames_met"]) == (True, True)
    assert (slow["deadline_met"], slow["frames_met"]) == (False, False)
    assert costed(decision, {})["deadline_met"] is None


def test_candidates_on_other_images_or_with_other_answers_are_refused(candidates: dict[str, Sums]) -> None:
    fewer = stacked(measured(6, decisions=DECISIONS), CLASSES)
    with pytest.raises(IntegrityError, match="the same images"):
        bakeoff({**candidates, "hybrid": fewer}, DECISIONS, CLASSES, {}, PARAMS)
    with pytest.raises(IntegrityError, match="later"):
        bakeoff(candidates, {**DECISIONS, "later": Decision(kind="coverage")}, CLASSES, {}, PARAMS)


def test_one_draw_serves_all_candidates() -> None:
    """Two candidates whose errors differ by the same in every image differ by exactly that in every draw."""
    sums = stacked(measured(decisions=DECISIONS), CLASSES)
    asked = sums.asked["number"]
    more = asked.counts.copy()
    more[:, 1] = more[:, 0] + 2
    most = asked.counts.copy()
    most[:, 1] = most[:, 0] + 3
    made = {
        name: Sums(**{f: getattr(sums, f) for f in sums.__slots__ if f != "asked"}, asked={"number": _with(asked, v)})
        for name, v in (("semantic", more), ("hybrid", most))
    }
    decision = Decision.model_validate({"kind": "count", "tolerance": {"absolute": 1}})
    values = bakeoff(made, {"number": decision}, CLASSES, {}, PARAMS)["decisions"]["number"]
    assert all(v["intervals"]["mae"] == [v["mae"]] * 2 for v in values["candidates"].values())
    low, high = values["differences"][0]["interval"]
    first = values["candidates"]["semantic"]["intervals"]["error"]
    second = values["candidates"]["hybrid"]["intervals"]["error"]
    assert high - low < 0.6 * max(first[1] - first[0], second[1] - second[0])


def _with(asked: Any, counts: np.ndarray) -> Any:
    return type(asked)(counts, asked.coverage, asked.present, asked.acts, asked.matches)


def test_a_perfect_candidate_on_too_few_groups_is_not_proven(candidates: dict[str, Sums]) -> None:
    strict = PARAMS.model_copy(update={"confidence": 0.999})
    told = bakeoff(candidates, DECISIONS, CLASSES, {}, strict)["decisions"]["number"]
    assert told["winner"] is None
    assert told["candidates"]["instance"]["error"] == 0
    assert told["candidates"]["instance"]["met"] == "open"
