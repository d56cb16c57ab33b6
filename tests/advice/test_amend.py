"""Writing values into params.yaml changes the lines that hold them and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from segwise.advice.amend import amended, value_of
from segwise.errors import UsageError

TEXT = """\
# the head
train:
  dense:                 # a network
    zoom: 1.75           # enlarged by this
    weights: {}
    balance: "modality"  # quoted
    list: [1, 2]         # two
    augment: {a: 0.5, b: 0.1}
other:   {spaced: 1}

end: yes
"""
SHIPPED = (Path(__file__).resolve().parents[2] / "params.yaml").read_text(encoding="utf-8")


def changed(before: str, after: str) -> list[str]:
    pairs = zip(before.splitlines(), after.splitlines(), strict=True)
    return [new for old, new in pairs if old != new]


def test_comments_order_quotes_and_spacing_stay() -> None:
    found = amended(TEXT, {"train.dense.zoom": 2.0, "train.dense.augment.b": 0.0, "train.dense.weights": {"car": 2.5}})
    assert changed(TEXT, found) == [
        "    zoom: 2.0            # enlarged by this",
        "    weights: {car: 2.5}",
        "    augment: {a: 0.5, b: 0.0}",
    ]


def test_nothing_lists_and_null_are_written_on_their_line() -> None:
    found = amended(TEXT, {"train.dense.balance": None, "train.dense.list": []})
    assert changed(TEXT, found) == ["    balance: null        # quoted", "    list: []             # two"]


def test_the_same_values_leave_the_same_bytes() -> None:
    assert amended(TEXT, {}) == TEXT
    assert amended(SHIPPED, {"train.dense.zoom": yaml.safe_load(SHIPPED)["train"]["dense"]["zoom"]}) == SHIPPED


def test_an_unknown_key_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"did you mean `train.dense.zoom`\?"):
        amended(TEXT, {"train.dense.zom": 1})
    with pytest.raises(UsageError, match="a known key"):
        amended(TEXT, {"train.dense.zoom.deeper": 1})


def test_a_value_over_several_lines_is_refused_rather_than_reformatted() -> None:
    with pytest.raises(UsageError, match="on its own line"):
        amended("a:\n  - 1\n  - 2\nb: 1\n", {"a": [3]})


@pytest.mark.parametrize("text", ["a: [", "- 1\n", "\t"])
def test_a_text_that_holds_no_sections_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        amended(text, {"a": 1})


def test_words_that_yaml_would_take_for_something_else_are_quoted() -> None:
    found = amended(TEXT, {"train.dense.weights": {"on": 1.5, "car": 2.0}, "train.dense.balance": "no"})
    assert changed(TEXT, found) == ['    weights: {"on": 1.5, car: 2.0}', '    balance: "no"        # quoted']


def _leaves(document: Any, prefix: str = "") -> list[str]:
    if not isinstance(document, dict) or not document:
        return [prefix.rstrip(".")]
    return [key for name, value in document.items() for key in _leaves(value, f"{prefix}{name}.")]


WORDS = st.sampled_from(["x", "yes", "a: b", "#", "", "1e5", "null", "[", "é", " x "])
NUMBERS = st.integers(-99, 9999) | st.floats(-9, 9).map(lambda v: round(v, 3))
SCALARS = st.none() | st.booleans() | NUMBERS | WORDS


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(_leaves(yaml.safe_load(SHIPPED))),
        SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.sampled_from(["car", "a b"]), SCALARS, max_size=2),
        max_size=4,
    )
)
def test_any_value_at_any_key_is_read_back_and_the_rest_is_untouched(values: dict[str, Any]) -> None:
    found = amended(SHIPPED, values)
    document, before = yaml.safe_load(found), yaml.safe_load(SHIPPED)
    for key in _leaves(before):
        assert value_of(document, key) == (values[key] if key in values else value_of(before, key))
    assert len(changed(SHIPPED, found)) <= len(values)
