"""dvc.lock as values: what each stage read, with which parameters, and the bytes it wrote. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

import yaml

from segwise.errors import UsageError

Book = Mapping[str, "Stage"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage as it was run.

    `deps` and `outs`: MD5 by path. `params`: values by dotted key, down to the leaves. `sections`: dotted keys of the
    mappings that were recorded whole: a key that is new in one of them is read by the stage.
    """

    name: str
    commands: tuple[str, ...]
    deps: Mapping[str, str]
    params: Mapping[str, Any]
    outs: Mapping[str, str]
    sections: frozenset[str] = frozenset()


def read(text: str, pipeline: str | None = None) -> dict[str, Stage]:
    """The stages of a dvc.lock (schema 2.0), in an order in which each comes after all that it reads.

    Args:
        pipeline: text of the dvc.yaml beside it: stages that it does not have are left out. DVC keeps them for ever.
    """
    raw = (yaml.safe_load(text) or {}).get("stages") or {}
    known = None if pipeline is None else (yaml.safe_load(pipeline) or {}).get("stages") or {}
    return ordered({name: _stage(name, own) for name, own in raw.items() if known is None or _is_of(known, name)})


def _is_of(stages: Mapping[str, Any], name: str) -> bool:
    """Whether dvc.yaml has this stage; of one with items, by templates that only DVC can fill, any item will do."""
    base, _, item = name.partition("@")
    entry = stages.get(base)
    if not isinstance(entry, Mapping):
        return False
    over = entry.get("foreach", entry.get("matrix"))
    if over is None or isinstance(over, str):
        return bool(item) is (over is not None)
    if "foreach" in entry:
        plain = isinstance(over, Mapping) or not any(isinstance(one, Mapping | list) for one in over)
        return item in [str(one) for one in over] if plain else item.isdigit() and int(item) < len(over)
    axes = list(over.values())
    if any(isinstance(axis, str) or any(isinstance(one, Mapping | list) for one in axis) for axis in axes):
        return bool(item)
    return item in ["-".join(map(str, values)) for values in product(*axes)]


def _stage(name: str, entry: Mapping[str, Any]) -> Stage:
    commands = entry["cmd"] if isinstance(entry["cmd"], list) else [entry["cmd"]]
    params: dict[str, Any] = {}
    sections: set[str] = set()
    for values in (entry.get("params") or {}).values():
        params |= flat(values)
        sections |= {section for key, value in values.items() for section in _sections(value, str(key))}
    paths = [{str(e["path"]): str(e.get("md5", "")) for e in entry.get(key) or []} for key in ("deps", "outs")]
    return Stage(name, tuple(commands), paths[0], params, paths[1], frozenset(sections))


def _sections(value: Any, key: str) -> set[str]:
    if not isinstance(value, Mapping):
        return set()
    return {key, *(inner for name, own in value.items() for inner in _sections(own, f"{key}.{name}"))}


def flat(values: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as leaves by dotted key; a list and an empty mapping are leaves."""
    if not isinstance(values, Mapping) or not values:
        return {prefix: values}
    out: dict[str, Any] = {}
    for key, value in values.items():
        out |= flat(value, f"{prefix}.{key}" if prefix else str(key))
    return out


def is_within(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies in it."""
    return path == folder or path.startswith(f"{folder}/")


def maker(book: Book, path: str) -> str | None:
    """The stage that writes `path`, a folder that holds it, or something in it; None where no stage does."""
    made = (s.name for s in book.values() if any(is_within(path, o) or is_within(o, path) for o in s.outs))
    return next(made, None)


def waits_for(book: Book, name: str) -> list[str]:
    """The stages whose outputs this one reads."""
    found = (maker(book, path) for path in book[name].deps)
    return list(dict.fromkeys(other for other in found if other is not None and other != name))


def ordered(book: Book) -> dict[str, Stage]:
    """The stages, each after those it waits for; otherwise as they were."""
    out: dict[str, Stage] = {}

    def put(name: str) -> None:
        if name not in out:
            for other in waits_for(book, name):
                put(other)
            out[name] = book[name]

    for name in book:
        put(name)
    return out


def after(book: Book, names: Iterable[str]) -> list[str]:
    """These stages and everything that follows from them, in order."""
    found = set(names)
    for name in book:  # ordered: what it waits for was seen before
        if found & set(waits_for(book, name)):
            found.add(name)
    return [name for name in book if name in found]


def before(book: Book, names: Iterable[str]) -> list[str]:
    """These stages and everything they follow from, in order."""
    found = set(names)
    for name in reversed(list(book)):
        if name in found:
            found |= set(waits_for(book, name))
    return [name for name in book if name in found]


def choose(book: Book, stages: Sequence[str], start: str | None) -> list[str]:
    """The stages asked for, in order: by name, or `start` and what follows; `train` means every `train@…`.

    Raises:
        UsageError: the lock holds no such stage.
    """
    chosen = [name for word in stages for name in _matching(book, word)] or list(book)
    if start is not None:
        following = after(book, _matching(book, start))
        chosen = [name for name in following if name in chosen]
    return [name for name in book if name in chosen]


def _matching(book: Book, word: str) -> list[str]:
    found = [name for name in book if name == word or name.split("@")[0] == word]
    if not found:
        known = ", ".join(dict.fromkeys(name.split("@")[0] for name in book))
        raise UsageError("a stage of that revision's dvc.lock", word, f"it has: {known}")
    return found


def uncached(text: str) -> list[str]:
    """Patterns of the outputs that a dvc.yaml keeps out of DVC's cache; `${…}` of a template is a `*`."""
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                if isinstance(inner, Mapping) and inner.get("cache") is False:
                    found.append(_pattern(str(key)))
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(yaml.safe_load(text))
    return found


def _pattern(path: str) -> str:
    while "${" in path and "}" in path.split("${", 1)[1]:
        head, rest = path.split("${", 1)
        path = f"{head}*{rest.split('}', 1)[1]}"
    return path


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether a path is one of those that the patterns mean."""
    return any(fnmatchcase(path, pattern) for pattern in patterns)
