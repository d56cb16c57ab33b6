"""Values written into the text of params.yaml, its comments, order and other lines kept. Pure."""

from __future__ import annotations

import io
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from segwise.errors import UsageError


def value_of(document: Any, key: str) -> Any:
    """The value at a dotted key (`train.dense.zoom`).

    Raises:
        KeyError: there is none.
    """
    for part in key.split("."):
        if not isinstance(document, Mapping) or part not in document:
            raise KeyError(key)
        document = document[part]
    return document


def amended(text: str, values: Mapping[str, Any]) -> str:
    """The text with these values at these dotted keys; only the lines that hold them change.

    Raises:
        UsageError: a key is not in the text (with the nearest that is), the text is no YAML, or its style cannot be
            kept.
    """
    document = _load(text)
    before = _dump(document)
    for key, value in values.items():
        *path, last = key.split(".")
        try:
            value_of(document, key)
            holder = value_of(document, ".".join(path)) if path else document
        except KeyError as error:
            raise unknown(key, _keys(document)) from error
        holder[last] = _in_flow(value)
    return _merged(text, before, _dump(document))


def unknown(key: str, known: list[str]) -> UsageError:
    """The error for a key that is not there."""
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"known are: {', '.join(known)}"
    return UsageError("a known key", f"`{key}`", hint)


def _merged(text: str, before: str, after: str) -> str:
    """The lines of `text`, but those of `after` where `before`, the same document written anew, differs from it."""
    lines, old, new = text.splitlines(), before.splitlines(), after.splitlines()
    if not len(lines) == len(old) == len(new):
        came = "a value that spans several lines"
        raise UsageError("params.yaml with each planned value on its own line", came, "write it as [a, b] or {a: b}")
    merged = [mine if a == b else b for mine, a, b in zip(lines, old, new, strict=True)]
    return "\n".join(merged) + "\n" * text.endswith("\n")


def _keys(document: Any, prefix: str = "") -> list[str]:
    out = []
    for name, value in document.items():
        out += [f"{prefix}{name}", *(_keys(value, f"{prefix}{name}.") if isinstance(value, Mapping) else ())]
    return out


def _in_flow(value: Any) -> Any:
    if isinstance(value, Mapping):
        inside: Any = CommentedMap((_in_flow(k), _in_flow(v)) for k, v in value.items())
    elif isinstance(value, list | tuple):
        inside = CommentedSeq(_in_flow(v) for v in value)
    elif isinstance(value, str) and not _is_plain(value):
        return DoubleQuotedScalarString(value)  # `yes` and `1e5` are words here, but no longer once read back
    else:
        return value
    inside.fa.set_flow_style()
    return inside


def _is_plain(text: str) -> bool:
    """Whether the parameters' reader takes the bare text for itself."""
    import yaml

    try:
        return bool(yaml.safe_load(text) == text)
    except yaml.YAMLError:
        return False


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10**6
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(type(None), lambda r, _: r.represent_scalar("tag:yaml.org,2002:null", "null"))
    return yaml


def _load(text: str) -> Any:
    try:
        document = _yaml().load(text)
    except YAMLError as error:
        raise UsageError("params.yaml to be YAML", " ".join(str(error).split()), "correct that line") from error
    if not isinstance(document, Mapping):
        raise UsageError("sections in params.yaml", f"a {type(document).__name__}", "restore it from version control")
    return document


def _dump(document: Any) -> str:
    buffer = io.StringIO()
    _yaml().dump(document, buffer)
    return buffer.getvalue()
