"""What the profile says of objects and images in sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segwise.advice.entry import percent, pixels

Facts = Mapping[str, Any]


def headline(facts: Facts) -> str:
    """What the data is, in a sentence."""
    things = [name for name, own in facts["classes"].items() if own["isthing"]]
    regions = [name for name, own in facts["classes"].items() if not own["isthing"]]
    words = f"{counted(facts['num_images'], 'image')} with {counted(facts['num_objects'], 'object')}"
    words += f" of {counted(len(things), 'countable class', 'countable classes')}"
    if regions:
        words += f" and {counted(facts['num_regions'], 'region')} of {len(regions)} that are not countable"
    return f"{words}, in {counted(facts['num_groups'], 'group')}."


def contact_says(facts: Facts) -> list[str]:
    """Contact, overlap, gaps and spread of the countable objects."""
    contact, number = facts["contact"], facts["num_objects"]
    if not number:
        return []
    part = percent(facts["touching_fraction"])
    lines = [f"{contact['num_touching']:,} of {number:,} objects ({part}) touch another of their class."]
    if contact["contact_px"]:
        length, share = contact["contact_px"], contact["contact_share"]
        usual = f"{length['q50']:.0f} sides of pixels ({percent(share['q50'])} of the object's border)"
        long = f"{length['q95']:.0f} ({percent(share['q95'])})"
        lines.append(f"Where they share a border, it is {usual} in the middle and {long} or more in one of twenty.")
    if contact["num_overlapping"]:
        middle = percent(contact["overlap_share"]["q50"])
        shared = f"{contact['num_overlapping']:,} objects share pixels with another of their class"
        lines.append(f"{shared}: {middle} of their own in the middle.")
    if contact["num_with_gap"]:
        near, below = f"{contact['num_with_gap']:,}", contact["gaps_below_px"]
        narrow = f"below 2 px for {percent(below['2'])} of them and below 4 px for {percent(below['4'])}"
        lines.append(f"{near} objects have a gap of at most 16 px to the next of their class; it is {narrow}.")
    return [*lines, *_spread(facts)]


def _spread(facts: Facts) -> list[str]:
    evenness = facts["crowding"]["clark_evans"].get("q50")
    if evenness is None:
        return []
    words = "in clusters" if evenness < 0.9 else "evenly spread" if evenness > 1.1 else "about as at random"
    ratio = f"the distance to the nearest is {evenness:.2f} times that of random points (Clark and Evans)"
    return [f"In the usual image centres stand {words}: {ratio}."]


def images_say(facts: Facts) -> list[str]:
    """Colour, depth, levels, size, noise and light of the images."""
    seen, sizes, number = facts["pixels"], facts["sizes"], facts["num_images"]
    if not number:
        return []
    short, long = pixels(sizes["image_short_px"]["q50"]), pixels(sizes["image_long_px"]["q100"])
    grey = f"{percent(seen['grey_fraction'])} of the images are grey"
    lines = [
        f"{grey}; {seen['num_deep']:,} of {number:,} have more than 8 bits a channel.",
        f"Of the 256 grey levels that a network sees the usual image uses {seen['levels']['q50']:.0f}.",
        f"The shorter side is {short} in the usual image; the longest side of all is {long}.",
        f"Noise is {seen['noise']['q50']:.1f} grey levels in the middle, {seen['noise']['q95']:.1f} in one of twenty.",
    ]
    if facts["num_objects"]:
        rest = number - seen["num_brighter"] - seen["num_darker"]
        light = f"{seen['num_brighter']:,} images show objects clearly brighter than the rest, "
        light += f"{seen['num_darker']:,} darker"
        lines.append(light + (f", {rest:,} neither (or nothing to compare)." if rest else "."))
    return lines


def counted(number: int, word: str, words: str = "") -> str:
    """1 object, 1,204 objects."""
    return f"{number:,} {word if number == 1 else words or word + 's'}"
