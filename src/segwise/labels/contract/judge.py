"""The fact tables held against the rules: findings, as many as a person can read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segwise.dataset.finding import Finding
from segwise.labels.contract.rule import Rule, say
from segwise.labels.facts.tables import Table

LIST_ALWAYS = 10  # so few are always listed one by one


def judge(tables: Mapping[Table, pd.DataFrame], rules: Sequence[Rule]) -> list[Finding]:
    """The findings, in the order of the rules, then of the rows.

    One finding for each row that breaks a rule. Where the rule is gathered and more than `usual_share` of the rows (of
    a class's objects, of all images) break it, or more than `list_at_most`, it is their nature rather than a slip: they
    become one finding of the whole set, with the worst row as the example. Gathered rules of classes give one finding
    that names every class.
    """
    return [finding for rule in rules for finding in _findings(tables[rule.table], rule)]


def num_broken(tables: Mapping[Table, pd.DataFrame], rules: Sequence[Rule]) -> dict[str, int]:
    """The number of rows that break each check, however they are reported."""
    out = dict.fromkeys((rule.check for rule in rules), 0)
    for rule in rules:
        out[rule.check] += int(np.count_nonzero(rule.excess(tables[rule.table])))
    return out


def _findings(frame: pd.DataFrame, rule: Rule) -> Iterator[Finding]:
    excess = rule.excess(frame)
    broken = np.flatnonzero(excess)
    if rule.is_gathered and rule.table == "classes" and len(broken):
        came = f"{rule.lead}: {', '.join(say(rule, row) for row in _records(frame, broken))}"
        yield Finding(rule.check, rule.severity, None, None, came, rule.remedy)
        return
    if not rule.is_gathered or len(broken) <= LIST_ALWAYS:
        yield from _listed(frame, rule, broken)
        return
    classes = frame["class_name"].to_numpy() if "class_name" in frame else np.full(len(frame), "", dtype=object)
    usual = {name: rows for name in dict.fromkeys(classes[broken]) if (rows := _usual(rule, classes, broken, name))}
    yield from _listed(frame, rule, broken[~np.isin(classes[broken], list(usual))])
    for name, total in usual.items():
        rows = broken[classes[broken] == name]
        yield _gathered(frame, rule, rows, int(rows[excess[rows].argmax()]), total, str(name))


def _usual(rule: Rule, classes: NDArray[Any], broken: NDArray[np.int64], name: object) -> int:
    """The number of the class's rows where breaking the rule is usual there; else 0."""
    total, found = int((classes == name).sum()), int((classes[broken] == name).sum())
    is_usual = found > LIST_ALWAYS and (found > rule.usual_share * total or found > rule.list_at_most)
    return total if is_usual else 0


def _listed(frame: pd.DataFrame, rule: Rule, rows: NDArray[np.int64]) -> Iterator[Finding]:
    for row in _records(frame, rows):
        image, number = row.get("file_name"), row.get("object_id")
        yield Finding(rule.check, rule.severity, image, number, _say(rule, row), rule.remedy)


def _say(rule: Rule, row: dict[str, Any]) -> str:
    return f"class {row['class_name']!r}: {say(rule, row)}" if rule.table == "classes" else say(rule, row)


def _gathered(frame: pd.DataFrame, rule: Rule, rows: NDArray[np.int64], worst: int, total: int, name: str) -> Finding:
    row = _records(frame, np.array([worst]))[0]
    what = f"{name!r} objects" if rule.table == "objects" else "images"
    where = f"object {row['object_id']} of {row['file_name']}" if rule.table == "objects" else row["file_name"]
    share = f"{len(rows)} of {total} {what} ({len(rows) / total:.0%})"
    came = f"{share}, such as {where}: {say(rule, row)}"
    return Finding(rule.check, rule.severity, None, None, came, rule.remedy)


def _records(frame: pd.DataFrame, rows: NDArray[np.int64]) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.iloc[rows].to_dict("records")]
