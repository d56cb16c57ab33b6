"""The rules' language says what Python would say, and can do nothing that Python could."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwise.decision.expression import MAX_LENGTH, parse, parse_action
from segwise.errors import UsageError

NAMES = ("area", "count_")
FUNCTIONS = {"count": "names", "any": "area solid"}


def rules(numbers: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Conditions over numbers: comparisons (chained too) of sums, joined by and, or, not."""

    def arithmetic(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        joined = st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
        return joined | inner.map(lambda t: f"(-{t})") | st.tuples(inner, inner).map(lambda t: f"({t[0]} < {t[1]})")

    sums = st.recursive(numbers, arithmetic, max_leaves=4)
    compare = st.lists(st.sampled_from(("<", "<=", ">", ">=", "==", "!=")), min_size=1, max_size=3)
    compared = st.tuples(st.lists(sums, min_size=4, max_size=4), compare).map(
        lambda t: f"({t[0][0]} " + " ".join(f"{op} {term}" for op, term in zip(t[1], t[0][1:], strict=False)) + ")"
    )

    def logic(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        joined = st.lists(inner, min_size=2, max_size=3)
        return (
            joined.map(lambda t: f"({' and '.join(t)})")
            | joined.map(lambda t: f"({' or '.join(t)})")
            | inner.map(lambda t: f"(not {t})")
        )

    return st.recursive(compared, logic, max_leaves=5)


WORDS = st.sampled_from(("area", "count_", "0", "1", "2.5", "7", "True"))


@settings(max_examples=300, deadline=None)
@given(rules(WORDS), st.integers(-3, 3), st.floats(-2, 2))
def test_a_rule_means_what_python_means_by_it(text: str, area: int, count: float) -> None:
    if len(text) <= MAX_LENGTH:
        scope = {"area": area, "count_": count}
        assert bool(parse(text, NAMES, {})(scope)) is bool(eval(text, {"__builtins__": {}}, scope))


@settings(max_examples=100, deadline=None)
@given(rules(WORDS), st.lists(st.tuples(st.integers(-3, 3), st.floats(-2, 2)), min_size=1, max_size=5))
def test_arrays_are_answered_element_by_element(text: str, values: list[tuple[int, float]]) -> None:
    if len(text) <= MAX_LENGTH:
        rule = parse(text, NAMES, {})
        area, count = (np.array(column) for column in zip(*values, strict=True))
        together = np.broadcast_to(rule({"area": area, "count_": count}), area.shape)
        assert together.tolist() == [bool(rule({"area": a, "count_": c})) for a, c in values]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1 / 4 + 2 * 3", 6.25), ("2 ** 3 ** 2", 512), ("-2 ** 2", -4), ("7 - 2 - 1", 4), ("+area", 3), ("area / 2", 1.5)],
)
def test_arithmetic_has_pythons_precedence(text: str, value: float) -> None:
    assert parse(text, NAMES, {})({"area": 3}) == value


def test_truths_add_up_as_numbers_do_in_arrays_as_well() -> None:
    rule = parse("(area > 1) + (area > 2) - (area > 3)", NAMES, {})
    assert rule({"area": np.array([1, 2, 3, 4])}).tolist() == [0, 1, 2, 1]


@pytest.mark.parametrize("text", ["9 ** 9 ** 9 ** 9", "10 ** 400", "area / 0"])
def test_what_grows_without_end_is_infinite_at_once(text: str) -> None:
    assert parse(text, NAMES, {})({"area": 1}) == math.inf


def test_an_undefined_number_is_not_true() -> None:
    assert not parse("area / 0 and True", NAMES, {})({"area": 0})
    assert parse("not area / 0", NAMES, {})({"area": 0})


@pytest.mark.parametrize(
    "text",
    [
        "area.real", "area[0]", "lambda: 1", "[a for a in (1,)]", "{a for a in (1,)}", "(1, 2)", "[1]", "{1: 2}",
        "__import__('os')", "__class__", "area.__class__", "().__class__", "f'{area}'", "'text'", "b'x'", "1j",
        "None", "...", "area if area else 1", "(area := 1)", "area << 8", "area % 2", "area // 2", "area @ area",
        "~area", "area & 1", "area is 1", "1 in area", "await area", "yield", "eval('1')", "count(area)(area)",
        "count(area + 1)", "count(1)", "count(*area)", "count(area, key=1)", "any(area, area)", "any()",
        "any(area.real)", "any(count_ > 1)", "any(count(a) > 1)", "any('area')", "unknown", "unknown(area)", "1e400",
        "1e16", "import os", "area = 1", "area; area", "", "area area", "area >", "area\0", "(" * 300,
        "-" * 900 + "1", "area+" * 300 + "area", "not " * 200 + "area",
    ],
)  # fmt: skip
def test_everything_else_is_refused_with_what_may_be_used(text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse(text, NAMES, FUNCTIONS)
    assert "use " in refusal.value.remedy or "shorter" in refusal.value.remedy


def test_a_predicate_is_handed_over_unevaluated_even_when_it_is_a_single_name() -> None:
    rule = parse("any(area > 5 and not solid) or any(solid)", (), FUNCTIONS)
    asked: list[str] = []

    def any_(predicate: object) -> bool:
        asked.append(predicate.text)
        return bool(predicate({"area": 9, "solid": False}))

    assert rule({"any": any_})
    assert asked == ["area > 5 and (not solid)", "solid"]


def test_a_rule_tells_what_it_uses_and_calls() -> None:
    rule = parse("area > count(left, 'two words') and any(solid) and count()", NAMES, FUNCTIONS)
    assert rule.used() == {"area"}
    assert sorted(rule.calls()) == [("count", ()), ("count", ("left", "two words"))]


def test_an_action_is_a_rule_and_a_name() -> None:
    rule, name = parse_action("if count(bottle) < 12 and present() then stop the line-2")
    assert name == "stop the line-2"
    assert sorted(rule.calls()) == [("count", ("bottle",)), ("present", ())]


@pytest.mark.parametrize(
    "text",
    [
        "count(a) < 2",
        "if then stop",
        "if count(a) < 2 then",
        "if count(a) < 2 then a; b",
        "if area then a",
        "if " * 900,
    ],
)
def test_an_action_that_is_none_is_refused_with_an_example_or_the_words_there_are(text: str) -> None:
    with pytest.raises(UsageError, match=r"then alert|count\(…\)"):
        parse_action(text)
