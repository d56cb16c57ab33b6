"""The leak report: every link between images that was found, and which of them cross from one split into another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from segwise.dataset.finding import Finding, Severity
from segwise.dataset.params import LinkParams
from segwise.dataset.similarity import similar
from segwise.dataset.splits import groups
from segwise.dataset.splits.split import Division
from segwise.spec import SPLITS

_NOT_FOUND = {"tile": "no edges came close", "overlap": "no keypoints agreed"}


def crossing(links: Sequence[groups.Link], division: Division) -> list[groups.Link]:
    """The links between two different splits; images in none take no part."""
    parts = division.chosen
    return [k for k in links if parts[k.first] != parts[k.second] and {parts[k.first], parts[k.second]} <= set(SPLITS)]


def report(
    division: Division, links: groups.Links, seen: Sequence[groups.Traits], params: LinkParams
) -> dict[str, Any]:
    """What was looked for, what was found, what crosses, and how close the nearest pairs across splits come.

    Returns:
        links: per kind `{severity, num_links, num_across, across}`, None for a kind that was not looked for.
        nearest_across: per kind the pair in two splits that came closest without being a link.
        tiles: the threshold, and the share of artificial cuts that it would recognise.
        groups: those of two images and more, by name; num_groups, largest_group.
    """
    sets = [m for m in groups.members(np.array(division.labels)) if len(m) > 1]
    return {
        "links": {kind: _counted(kind, severity, links, division) for kind, severity in params},
        "nearest_across": _nearest(division, links, seen, params),
        "tiles": _tiles(links),
        "num_groups": len(set(division.labels)),
        "largest_group": max(Counter(division.labels).values(), default=0),
        "groups": sorted([division.names[index] for index in members] for members in sets),
        "left_out": division.left_out,
    }


def moved(division: Division, recorded: Mapping[str, str]) -> list[dict[str, str]]:
    """The images that the label file puts into another split than the one they were drawn into."""
    pairs = zip(division.names, division.chosen, strict=True)
    return [
        {"image": name, "drawn": recorded[name], "given": part}
        for name, part in pairs
        if recorded.get(name, part) != part
    ]


def findings(division: Division, links: groups.Links, params: LinkParams) -> list[Finding]:
    """One finding for each link that crosses, with the severity of its kind."""
    out = []
    for link in crossing(links.all, division):
        (first, here), (second, there) = ((division.names[i], division.chosen[i]) for i in (link.first, link.second))
        severity: Severity = "error" if link.kind in params.of("error") else "warning"
        came = f"in {here}, but it belongs with {second} in {there} ({link.said})"
        remedy = _remedy(link.kind, division.method)
        out.append(Finding(f"split leak: {link.kind}", severity, first, None, came, remedy))
    return out


def _remedy(kind: str, method: str) -> str:
    accept = f"set `split.links.{kind}: warning` to accept such pairs"
    if method == "given":
        return f"give both one split in the label file, draw all by group (`split.method: stratified`), or {accept}"
    return f"give both one split in the label file, take both out of registry/splits.json to draw anew, or {accept}"


def _counted(kind: str, severity: str, links: groups.Links, division: Division) -> dict[str, Any] | None:
    if severity == "off":
        return None
    own = links.of([kind])
    across = [_pair(link, division) for link in crossing(own, division)]
    return {"severity": severity, "num_links": len(own), "num_across": len(across), "across": across}


def _pair(link: groups.Link, division: Division) -> dict[str, Any]:
    ends = (link.first, link.second)
    return {"images": [division.names[i] for i in ends], "splits": [division.chosen[i] for i in ends], "why": link.said}


def _nearest(
    division: Division, links: groups.Links, seen: Sequence[groups.Traits], params: LinkParams
) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for kind in ("tile", "overlap"):
        if kind not in params.of("off"):
            missed = [link for link in links.near_misses if link.kind == kind]
            across = crossing(missed, division)
            out[kind] = _pair(across[0], division) if across else _NOT_FOUND[kind]
    codes = np.array([SPLITS.index(part) if part in SPLITS else -1 for part in division.chosen])
    if "duplicate" not in params.of("off"):
        linked = {(link.first, link.second) for link in links.of(("identical", "duplicate"))}
        match = similar.nearest_across([t.print for t in seen], codes, linked)
        out["duplicate"] = _pair(groups.duplicate(match), division) if match else "no pair"
    return out


def _tiles(links: groups.Links) -> dict[str, Any] | None:
    if links.tiling is None:
        return None
    found = links.tiling
    return {"min_score": found.min_score, "max_step": found.max_step, "recall_on_cuts": found.recall}
