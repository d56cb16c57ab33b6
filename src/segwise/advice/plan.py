"""The plan: what the profile suggests for params.yaml, each value with its reason. Pure.

nnU-Net's fingerprint and planner is the model: rules from measured properties, a file that a person reads and
overrides. It plans the shape of images; this one plans for objects.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from segwise.advice.entry import Entry
from segwise.advice.plan_learning import learning_entries
from segwise.advice.plan_objects import approach_entry, object_entries
from segwise.advice.plan_size import size_entries
from segwise.dataset.params import ProfileParams
from segwise.errors import DataInvalidError

HEADER = """\
# What the data suggests, written by `segwise profile`. Nothing here is used until it is in params.yaml:
# `segwise plan` shows it beside the present values, `segwise plan --apply [KEY …]` writes it there.
"""


def plan(facts: Mapping[str, Any], params: ProfileParams) -> list[Entry]:
    """Parameters first, in the order of params.yaml, then suggestions that no parameter sets.

    Args:
        facts: the profile.
    """
    found = size_entries(facts, params)
    if facts["num_objects"]:
        value = {entry.about: entry.value for entry in found}
        found += object_entries(facts, value["train.instance.zoom"], value["train.instance.crop_px"])
    found += learning_entries(facts, ["dense", "instance"] if facts["num_objects"] else ["dense"])
    found.append(approach_entry(facts))
    return [*sorted((e for e in found if e.is_parameter), key=_place), *(e for e in found if not e.is_parameter)]


def _place(entry: Entry) -> tuple[int, int]:
    sections = ("train.dense", "train.instance", "calibrate", "evaluate")
    keys = ("zoom", "crop_px", "batch_size")
    section = next(i for i, name in enumerate(sections) if entry.about.startswith(name))
    last = entry.about.split(".")[-1]
    return section, keys.index(last) if last in keys else len(keys)


def as_yaml(entries: Sequence[Entry]) -> str:
    """The text of plan.yaml; the same entries give the same bytes."""
    parameters = "".join(_lines("key", e) for e in entries if e.is_parameter) or " []\n"
    suggestions = "".join(_lines("about", e) for e in entries if not e.is_parameter) or " []\n"
    return f"{HEADER}parameters:\n{parameters}suggestions:\n{suggestions}"


def in_words(value: Any) -> str:
    """A value on one line, as params.yaml would hold it."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")


def _lines(name: str, entry: Entry) -> str:
    why = textwrap.indent(textwrap.fill(entry.why, 110, break_long_words=False, break_on_hyphens=False), "      ")
    return f"  - {name}: {in_words(entry.about)}\n    value: {in_words(entry.value)}\n    why: >-\n{why}\n"


def from_yaml(text: str, where: str) -> list[Entry]:
    """The entries of plan.yaml.

    Raises:
        DataInvalidError: it is no plan.
    """
    try:
        document = yaml.safe_load(text)
        own = [Entry(str(e["key"]), e["value"], str(e["why"])) for e in document["parameters"]]
        return own + [Entry(str(e["about"]), e["value"], str(e["why"]), False) for e in document["suggestions"]]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        said = " ".join(str(error).split())
        raise DataInvalidError(f"a plan in {where}", said, "write it again: `segwise profile`") from error
