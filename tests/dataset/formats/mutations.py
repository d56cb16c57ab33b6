"""Label files damaged in every way we could think of, for importers that must neither crash nor accept them."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 255, 256, 999_999_999_999, -(10**18), 10**400, 0.5, -0.0, 1e308, float("nan"),
    float("inf"), float("-inf"), "", " ", "x", "../../etc/passwd", "/etc/passwd", "C:\\x.png", "a\x00b",
    "\ud800", "ü" * 300,
    "1", "NaN", "[]", [], {}, [[]], [None], [0], [1, 2], [1, 2, 3, 4, 5], [0, 0, 9, 0, 9, 9], [[0, 0, 9, 0, 9, 9]],
    [float("nan")] * 6, [1e300] * 6, [[1, 2], [3, 4]], {"size": [1, 1], "counts": "0"}, {"size": [], "counts": []},
    {"size": [32, 40], "counts": [1280]}, {"size": [32, 40], "counts": "~~~~"}, {"x": 1}, [0] * 2000,
)  # fmt: skip
TEXT = (
    b"",
    b"\x00",
    b"NaN",
    b"1e999",
    b"-",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b",",
    b"<",
    b">",
    b"&a;",
    b"\xff\xfe",
    b"\n",
    b"999999999999",
    b"../",
)


def mutate_json(text: bytes, rng: random.Random) -> bytes:
    """One to three nodes of a JSON document replaced, removed, doubled, or moved."""
    document = json.loads(text)
    for _ in range(rng.randint(1, 3)):
        document = _mutate_node(document, rng)
    return json.dumps(document).encode("utf-8", errors="surrogatepass")


def _mutate_node(document: Any, rng: random.Random) -> Any:
    places = list(_places(document))
    if not places:
        return copy.deepcopy(rng.choice(ODD))
    holder, key = rng.choice(places)
    action = rng.randrange(6)
    if action <= 2:
        holder[key] = copy.deepcopy(rng.choice(ODD))
    elif action == 3:
        del holder[key]
    elif action == 4:
        other, other_key = rng.choice(places)
        value = copy.deepcopy(other[other_key])
        holder[key] = value if len(json.dumps(value)) < 10_000 else None
    elif isinstance(holder, list):
        holder.insert(rng.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
    else:
        holder[rng.choice(["", "id", "size", key.upper(), key + " "])] = holder[key]
    return document


def _places(node: Any, depth: int = 0) -> Any:
    if depth > 12:
        return
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(items):
        yield node, key
        yield from _places(value, depth + 1)


def mutate_text(text: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, cut, inserted, repeated or cut off."""
    data = bytearray(text)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(data) + 1)
        action = rng.randrange(6)
        if action == 0 and data:
            data[place % len(data)] ^= 1 << rng.randrange(8)
        elif action == 1:
            del data[place : place + rng.randint(1, 40)]
        elif action == 2:
            data[place:place] = rng.choice(TEXT)
        elif action == 3:
            data[place:place] = data[place : place + rng.randint(1, 200)]
        elif action == 4:
            del data[place:]
        else:
            numbers = [i for i, byte in enumerate(data) if chr(byte).isdigit()]
            if numbers:
                data[rng.choice(numbers)] = ord(rng.choice("0123456789-e."))
    return bytes(data)


def mutate_json_or_text(text: bytes, rng: random.Random) -> bytes:
    """Mostly the structure, sometimes the bytes."""
    return mutate_json(text, rng) if rng.random() < 0.7 else mutate_text(text, rng)


MUTATORS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    ".json": mutate_json_or_text,
    ".manifest": mutate_text,
    ".xml": mutate_text,
    ".yaml": mutate_text,
    ".txt": mutate_text,
    ".csv": mutate_text,
    ".png": mutate_text,
    ".tif": mutate_text,
}
