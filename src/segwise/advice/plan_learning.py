"""Planned for the learning: safe augmentations, balance, loss weights, slices. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from segwise.advice.entry import Entry, percent, suggestion

Facts = Mapping[str, Any]

USUAL = {"colour_p": 0.5, "grey_p": 0.1, "invert_p": 0.1}
TOLD = 0.5  # colour alone closes half of the way from guessing to certainty
BOTH_KINDS = 0.05  # share of images with brighter, and with darker objects, that makes inverting plausible
STRAIGHT = 0.1  # |mean cos 4θ| above which lines keep to the sides
SMALL_SHARE = 0.05  # a class under a twentieth of the pixels is weighted
MIN_WEIGHT, MAX_WEIGHT = 1.2, 4.0  # less is not worth a line, more makes few pixels rule
KIND = 0.25  # share of some fact's variance that an attribute must explain to name kinds of images
MAX_KINDS, MIN_IMAGES = 12, 5
UNEVEN = 3.0  # the commonest kind has this many times the images of the rarest
MANY_GROUPS = 30  # with fewer a direction may have gone unseen
RARE = 0.02  # of the objects, or of the images
NARROW = 64  # grey levels: a quarter of the range; an image that uses fewer loses detail to its neighbours' range


def learning_entries(facts: Facts, networks: Sequence[str]) -> list[Entry]:
    """Augmentation, balance, weights and slices for these networks."""
    values = colours(facts)
    balance_value, balance_why = balance(facts)
    entries = []
    for network in networks:
        entries.append(Entry(f"train.{network}.contrast", *contrast(facts)))
        entries += [Entry(f"train.{network}.augment.{key}", value, why) for key, (value, why) in values.items()]
        entries.append(Entry(f"train.{network}.augment.turns", *turns(facts)))
        entries.append(Entry(f"train.{network}.balance", balance_value, balance_why))
    return [*entries, weights(facts), slices(facts), rotation(facts), *rare(facts)]


def colours(facts: Facts) -> dict[str, tuple[float, str]]:
    """Probability and reason of each change of colour."""
    pixels, told = facts["pixels"], facts["direction"]["told_by_colour"]
    if pixels["grey_fraction"] == 1:
        why = "Every image is grey: there is no hue to change."
        return {"colour_p": (0.0, why), "grey_p": (0.0, why), "invert_p": _invert(facts)}
    if told is not None and told >= TOLD:
        why = f"An object's mean colour alone goes {percent(told)} of the way from guessing its class to knowing it."
        return dict.fromkeys(USUAL, (0.0, why))
    why = f"{percent(1 - pixels['grey_fraction'])} of the images have colour, and "
    if told is None:
        why += "there are no classes that it could tell apart."
    else:
        why += f"an object's mean colour goes only {percent(told)} of the way from guessing its class to knowing it."
    return {"colour_p": (USUAL["colour_p"], why), "grey_p": (USUAL["grey_p"], why), "invert_p": _invert(facts)}


def contrast(facts: Facts) -> tuple[str, str]:
    """Whether each image's range of values is stretched, and the reason."""
    used = facts["pixels"]["contrast"]
    words = f"One image in twenty uses at most {used['q05']:.0f} of the 255 grey levels, half of them {used['q50']:.0f}"
    if used["q05"] < NARROW:
        return "stretched", f"{words}: stretched to the whole range, dark and bright ones look alike to the network."
    return "as_is", f"{words}: no image is so faint that its range would have to be stretched."


def _invert(facts: Facts) -> tuple[float, str]:
    pixels, images = facts["pixels"], facts["num_images"]
    brighter, darker = pixels["num_brighter"], pixels["num_darker"]
    words = f"Objects are clearly brighter than the rest in {brighter} and darker in {darker} of {images} images"
    if max(brighter, darker) < BOTH_KINDS * images:
        return 0.0, f"{words}: it is texture that tells them, and inverted texture does not come."
    if min(brighter, darker) < BOTH_KINDS * images:
        return 0.0, f"{words}: inverted images would be of a kind that does not come."
    if pixels["grey_fraction"] == 0:
        return 0.0, f"{words}, but all have colour, and a colour negative does not come."
    return USUAL["invert_p"], f"{words}: both kinds come."


def kinds(facts: Facts) -> list[str]:
    """Attributes that name kinds of images, the fewest kinds first."""
    found = []
    for name, shares in facts["explained"].items():
        values = facts["attributes"][name]
        usable = sum(v["num_images"] >= MIN_IMAGES and v["num_groups"] > 1 for v in values.values())
        if max(shares.values()) >= KIND and len(values) <= MAX_KINDS and usable >= 2:
            found.append(name)
    return sorted(found, key=lambda n: (len(facts["attributes"][n]), -max(facts["explained"][n].values()), n))


def balance(facts: Facts) -> tuple[str | None, str]:
    """The attribute whose rare values are drawn more often, and why."""
    for name in kinds(facts):
        sizes = {value: own["num_images"] for value, own in facts["attributes"][name].items()}
        rare, common = min(sizes, key=lambda v: (sizes[v], v)), max(sizes, key=lambda v: (sizes[v], v))
        if sizes[common] >= UNEVEN * sizes[rare]:
            why = f"{_tells(name, facts)}, and {sizes[common]} images are {common} but {sizes[rare]} {rare}."
            return name, why
    tried = kinds(facts)
    if tried:
        return None, f"The values of {', '.join(tried)} have similar numbers of images."
    return None, "No attribute names kinds of images that look unlike each other."


def _tells(name: str, facts: Facts) -> str:
    fact, most = max(facts["explained"][name].items(), key=lambda item: (item[1], item[0]))
    words = {"diameter": "object size", "objects": "the number of objects"}.get(fact, fact)
    return f"{name} explains {percent(most)} of the images' differences in {words}"


def slices(facts: Facts) -> Entry:
    """The attributes to report by."""
    names = kinds(facts)
    if not names:
        return Entry("evaluate.slice_by", [], "No attribute names kinds of images that look unlike each other.")
    return Entry("evaluate.slice_by", names, f"{'; '.join(_tells(n, facts) for n in names)}.")


def weights(facts: Facts) -> Entry:
    """Loss weights of the classes that few pixels show: √(1/20 ÷ share), at most 4."""
    shares = {name: own["coverage"] for name, own in facts["classes"].items() if own["coverage"] > 0}
    small = {name: share for name, share in shares.items() if share < SMALL_SHARE}
    value = {name: round(min(math.sqrt(SMALL_SHARE / share), MAX_WEIGHT), 1) for name, share in small.items()}
    value = {name: weight for name, weight in value.items() if weight >= MIN_WEIGHT}
    if not value:
        least = min(shares, key=lambda n: (shares[n], n), default=None)
        words = f"{least} has {percent(shares[least])} of the pixels" if least else "No class has pixels"
        return Entry("train.dense.class_weights", {}, f"{words}: enough for cross-entropy beside Dice.")
    least = min(value, key=lambda n: (shares[n], n))
    why = f"{least} has {percent(shares[least])} of the pixels; a class under 5 % weighs the root of what it lacks"
    return Entry("train.dense.class_weights", value, f"{why}, by at most {MAX_WEIGHT:g}.")


def turns(facts: Facts) -> tuple[str, str]:
    """Which mirror images and quarter turns could have been taken as well, as `augment.turns` names them; and why."""
    safe, counts = facts["direction"]["safe"], [t for t in facts["direction"]["tests"] if t["counts"]]
    mirrors = [move for move in ("left-right", "up-down") if safe[move]]
    value = "all" if safe["quarter-turn"] else "mirrored" if len(mirrors) == 2 else (*mirrors, "none")[0]
    if not counts:
        groups = facts["num_groups"]
        why = f"Places, shapes and edges show no direction over {groups} groups"
        return value, f"{why}{'' if groups >= MANY_GROUPS else ', few to tell by'}."
    strongest = sorted(counts, key=lambda t: (-abs(t["mean"]), t["name"], t["of"]))[:3]
    return value, f"{'; '.join(_says(t) for t in strongest)}."


def _says(test: Mapping[str, Any]) -> str:
    size, more = abs(test["mean"]), test["mean"] > 0
    words = {
        "down": f"{test['of']} lies {percent(size)} of the height {'below' if more else 'above'} the middle",
        "right": f"{test['of']} lies {percent(size)} of the width {'right' if more else 'left'} of the middle",
        "tall": f"objects are {2**size:.2f} times as {'tall as wide' if more else 'wide as tall'}",
        "edges": f"{'upright' if more else 'level'} lines have {percent(size)} more of the edges' energy",
    }
    return f"{words[test['name']]} (mean of {test['num_groups']} groups, p {_p(test['p'])})"


def _p(p: float) -> str:
    return f"{p:.0e}".replace("e-0", "e-") if p >= 1e-12 else "below 1e-12"


def rotation(facts: Facts) -> Entry:
    """Whether turning by any angle keeps the images plausible."""
    found = facts["direction"]["fourfold"].get("q50", 0.0)
    if not facts["direction"]["safe"]["quarter-turn"]:
        return suggestion("free rotation", "a few degrees", "The images have an up: see `augment.turns`.")
    if abs(found) >= STRAIGHT:
        why = f"Edges keep to the sides or diagonals (median of mean cos 4θ {found:.2f}, 0 = no direction)."
        return suggestion("free rotation", "a few degrees", why)
    return suggestion("free rotation", "any angle", f"Edges run in all directions (median of mean cos 4θ {found:.2f}).")


def rare(facts: Facts) -> list[Entry]:
    """A line for classes too rare to be learned or measured without drawing their images more often."""
    few = {}
    for name, own in facts["classes"].items():
        images = own["num_images"] / max(facts["num_images"], 1)
        if len(facts["classes"]) > 1 and (images < RARE or (own["isthing"] and own["object_share"] < RARE)):
            few[name] = f"{name} {own['num_images']} images"
            few[name] += f" and {percent(own['object_share'])} of the objects" if own["isthing"] else ""
    words = "; ".join(few[name] for name in sorted(few))
    return [suggestion("rare classes", sorted(few), f"Of {facts['num_images']} images: {words}.")] if few else []
