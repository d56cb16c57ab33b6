from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwise.advice import subsets
from segwise.errors import DataInvalidError, UsageError

GROUPS = {f"{number:03}.png": f"g{number // 3:02}" for number in range(90)}


@given(seed=st.integers(0, 1000), repeats=st.integers(1, 3))
def test_subsets_are_nested_whole_groups_of_at_least_their_fraction(seed: int, repeats: int) -> None:
    fractions = (0.2, 0.5, 1.0)
    drawn = subsets.nested(GROUPS, fractions, repeats, seed)
    assert len(drawn) == repeats
    for sizes in drawn:
        assert all(set(a) < set(b) for a, b in pairwise(sizes))
        assert set(sizes[-1]) == set(GROUPS)
        for names, fraction in zip(sizes, fractions, strict=True):
            assert fraction * 90 <= len(names) < fraction * 90 + 3
            assert set(Counter(GROUPS[name] for name in names).values()) == {3}


def test_repeats_and_seeds_draw_other_groups_and_the_same_seed_the_same() -> None:
    first = subsets.nested(GROUPS, (0.3, 1.0), 3, 0)
    assert first == subsets.nested(GROUPS, (0.3, 1.0), 3, 0)
    assert len({sizes[0] for sizes in first} | {subsets.nested(GROUPS, (0.3, 1.0), 1, 1)[0][0]}) == 4


def test_a_further_fraction_leaves_the_others_as_they_are() -> None:
    two, three = (subsets.nested(GROUPS, f, 1, 0)[0] for f in ((0.25, 1.0), (0.25, 0.5, 1.0)))
    assert [two[0], two[1]] == [three[0], three[2]]


@pytest.mark.parametrize("groups", [{}, {"a": "g", "b": "g"}, {"a": "g", "b": "h"}])
def test_too_few_groups_are_refused(groups: dict[str, str]) -> None:
    with pytest.raises(DataInvalidError, match="group"):
        subsets.nested(groups, (0.25, 0.5, 1.0), 1, 0)


@pytest.mark.parametrize("fractions", [(), (1.0,), (0.5, 0.9), (0.0, 1.0), (0.5, 0.5, 1.0), (0.5, 1.0, 1.5)])
def test_fractions_that_do_not_rise_to_one_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="rising"):
        subsets.nested(GROUPS, fractions, 1, 0)


def test_no_repeat_is_refused() -> None:
    with pytest.raises(UsageError, match="repeat"):
        subsets.nested(GROUPS, (0.5, 1.0), 0, 0)


@given(seed=st.integers(0, 1000), sizes=st.lists(st.integers(1, 9), min_size=2, max_size=12))
def test_halves_hold_every_image_once_and_divide_no_group(seed: int, sizes: list[int]) -> None:
    groups = {f"{g}-{i}": str(g) for g, size in enumerate(sizes) for i in range(size)}
    one, other = subsets.halves(groups, seed)
    assert sorted((*one, *other)) == sorted(groups)
    assert one and other
    assert not {groups[n] for n in one} & {groups[n] for n in other}
    assert abs(len(one) - len(other)) <= max(sizes)


def test_one_group_cannot_be_halved() -> None:
    with pytest.raises(DataInvalidError, match="two groups"):
        subsets.halves({"a": "g", "b": "g"}, 0)
