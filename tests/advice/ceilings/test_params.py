from __future__ import annotations

from segwise.advice.ceilings.params import CeilingParams
from segwise.params import load
from segwise.verbs import _advised


def test_the_ceilings_assume_what_the_trainings_are_told_unless_it_is_stated() -> None:
    params = CeilingParams(max_objects=50).assuming(dense_zoom=1.25, max_objects=600)
    assert (params.dense_zoom, params.max_objects) == (1.25, 50)


def test_advise_is_given_the_zooms_and_limits_of_params_yaml() -> None:
    params = load()
    other = params.train.model_copy(update={"dense": params.train.dense.model_copy(update={"zoom": 0.75})})
    ceilings = _advised(params.model_copy(update={"train": other})).ceilings
    assert (ceilings.dense_zoom, ceilings.instance_zoom) == (0.75, params.train.instance.zoom)
    assert ceilings.max_objects == params.train.instance.max_objects
