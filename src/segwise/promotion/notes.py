"""What a reader of a promotion has to know beside its checks: it decides nothing, and may explain much."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from segwise import golden, registry
from segwise.errors import SegwiseError


def notes(
    events: Sequence[registry.Event],
    networks: Sequence[str],
    split_sha256: str,
    champion: tuple[registry.Event, Path] | None,
) -> list[str]:
    """Sentences about criteria, openings of the test split, and what the champion's figures stand for.

    Args:
        events: of the registry, this opening of the test split included.
        networks: that the challenger is made of. split_sha256: of the split it was held against the champion on.
        champion: the event that made it so, and its package's folder; None where there is none.
    """
    found = [_criteria(events, network) for network in networks]
    number = registry.num_test_reads(events)
    found.append(f"The test split was opened {number} times so far, this one included; no bound is corrected for it.")
    if champion is not None and champion[0].details.get("split_sha256", split_sha256) != split_sha256:
        found.append(
            "The champion was promoted on another split: it may have been trained on images that are tested here, "
            "which flatters it."
        )
    if champion is not None and (other := _answers_otherwise(champion[1])):
        found.append(
            f"With the code of today the champion does not answer its golden images as it is served ({other}): its "
            "figures here are those of its weights and today's code."
        )
    return found


def _criteria(events: Sequence[registry.Event], network: str) -> str:
    one = registry.freeze(events, network)
    if one is None:
        return f"No training of {network} is recorded: its criteria were not frozen."
    return f"The criteria of {network} are those of event {one.since.seq} ({one.since.kind})."


def _answers_otherwise(champion: Path) -> str:
    """How, empty where it does not."""
    try:
        golden.check(champion)
    except SegwiseError as error:
        return error.came
    return ""
