"""The base of every parameter section: frozen, closed, and helpful about typing errors."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from segwise.errors import UsageError

S = TypeVar("S", bound="Section")


class Section(BaseModel):
    """One section of params.yaml. It sits beside the code that owns it."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def parse(model: type[S], values: dict[str, Any], where: str) -> S:
    """Validate `values` as `model`, naming the wrong key and the nearest right one.

    Args:
        where: the file or section the values came from, for the error's text.

    Raises:
        UsageError: for an unknown key, a missing one or a value out of its range.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        # a mistyped key is unknown and its right name missing: the first says more
        first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        path = [str(part) for part in first["loc"]]
        known = _known_keys(model, path[:-1]) if path[-1] != "[key]" else []  # the name itself of an entry is wrong
        near = get_close_matches(path[-1], known, n=1) if first["type"] == "extra_forbidden" else []
        hint = f"allowed here: {', '.join(known)}" if known else "correct this value"
        hint = f"did you mean `{near[0]}`?" if near else hint
        expected = "a known parameter" if first["type"] == "extra_forbidden" else first["msg"]
        if first["type"] == "value_error":  # a check of ours: what is expected and, where it says so, the remedy
            expected, hint = (*(str(part) for part in first["ctx"]["error"].args), hint)[:2]
        shown = "" if isinstance(first["input"], dict) else f": {first['input']!r}"
        raise UsageError(expected, f"`{'.'.join(path)}{shown}` in {where}", hint) from error


def _known_keys(model: type[BaseModel], path: list[str]) -> list[str]:
    inside: Any = model
    for part in path:
        if not (isinstance(inside, type) and issubclass(inside, BaseModel)):
            values = get_args(inside)[1:] if get_origin(inside) is dict else ()
            inside = values[0] if values else None  # any name is a key of a dict
            continue
        field = next((f for name, f in inside.model_fields.items() if part == (f.alias or name)), None)
        inside = field.annotation if field else None
    if not (isinstance(inside, type) and issubclass(inside, BaseModel)):
        return []
    return [field.alias or name for name, field in inside.model_fields.items()]
