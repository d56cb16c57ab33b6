"""The examples of docs/decision.md are decisions, and the page names every kind and key there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from segwise.config import Section, parse
from segwise.decision.params import DEFAULTS, KINDS, Decision, Operation, Price, Tolerance

PAGE = (Path(__file__).resolve().parents[2] / "docs/decision.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)]


class File(Section):
    decision: dict[str, Decision]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: next(iter(block["decision"])))
def test_every_example_is_a_decision(block: dict[str, Any]) -> None:
    read = parse(File, block, "docs/decision.md").decision
    assert list(read) == list(block["decision"])


def test_every_kind_has_an_example() -> None:
    assert {d["kind"] for block in BLOCKS for d in block["decision"].values()} == set(KINDS)


def test_every_key_is_in_an_example() -> None:
    shown = yaml.safe_dump(BLOCKS)
    keys = [key for section in (Decision, Tolerance, Price, Operation) for key in section.model_fields]
    assert [key for key in keys if not re.search(rf"\b{key}:", shown)] == []


def test_the_defaults_in_the_table_are_those_of_the_code() -> None:
    rows = dict(re.findall(r"^\| (`tolerance.*?) \|.*\| (.*?) \|$", PAGE, flags=re.MULTILINE))
    for key, value in {k: v for limits in DEFAULTS.values() for k, v in limits.items()}.items():
        (default,) = [text for row, text in rows.items() if key in row]
        assert f"{value:g}" in default or f"{value:.2f}" in default
