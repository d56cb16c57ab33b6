"""The pure parts of a reproduction: the order of stages, the reasons, the noise, the verdict."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from scipy import stats

from segwise.errors import UsageError
from segwise.proof import causes, lock, noise, rerun
from segwise.proof.noise import Compared
from segwise.proof.story import Story, text_of
from segwise.proof.verdict import Ran, outputs, overall

LOCK = """
schema: '2.0'
stages:
  gate:
    cmd: gate
    deps: [{path: work/evaluate/a/metrics.json, md5: m}, {path: work/times.json, md5: t}]
    outs: [{path: work/verdict.json, md5: v}]
  evaluate@a:
    cmd: [one, two]
    deps: [{path: data, md5: d.dir}, {path: work/model/a, md5: w}, {path: src/evaluate.py, md5: e}]
    params: {params.yaml: {evaluate: {seed: 0, by: [x]}, train.net.crop: 5}}
    outs: [{path: work/evaluate/a/metrics.json, md5: m}]
  time:
    cmd: time
    outs: [{path: work/times.json, md5: t}]
  train@net:
    cmd: train
    deps: [{path: data, md5: d.dir}]
    params: {params.yaml: {train.net: {seed: 0, lr: 0.1}}}
    outs: [{path: work/model, md5: w.dir}]
"""
BOOK = lock.read(LOCK)


def test_stages_come_after_what_they_read() -> None:
    assert list(BOOK) == ["train@net", "evaluate@a", "time", "gate"]
    assert lock.waits_for(BOOK, "gate") == ["evaluate@a", "time"]
    assert BOOK["evaluate@a"].commands == ("one", "two")
    assert BOOK["evaluate@a"].params == {"evaluate.seed": 0, "evaluate.by": ["x"], "train.net.crop": 5}


def test_stages_are_chosen_by_name_by_kind_and_by_where_to_begin() -> None:
    assert lock.choose(BOOK, [], None) == list(BOOK)
    assert lock.choose(BOOK, ["gate", "train"], None) == ["train@net", "gate"]
    assert lock.choose(BOOK, [], "evaluate") == ["evaluate@a", "gate"]
    assert lock.choose(BOOK, ["gate"], "train@net") == ["gate"]
    with pytest.raises(UsageError, match="it has: train, evaluate, time, gate"):
        lock.choose(BOOK, [], "eval")


def test_outputs_kept_out_of_the_cache_are_found_in_templates_too() -> None:
    own = "{foreach: [x], do: {metrics: ['work/${item}/ms.json': {cache: false}, m.json]}}"
    text = f"stages: {{a: {own}, b: {{outs: [{{k: {{persist: true}}}}]}}}}"
    patterns = lock.uncached(text)
    assert lock.matches("work/x/ms.json", patterns)
    assert not any(lock.matches(path, patterns) for path in ("m.json", "k", "work/x/ms.txt"))


def found(**changes: str) -> dict[str, str]:
    return {**BOOK["evaluate@a"].deps, **{key.replace("_", "/"): value for key, value in changes.items()}}


def kinds(here: dict[str, str], params: dict[str, object] | None = None) -> list[tuple[str, str]]:
    stage = BOOK["evaluate@a"]
    own = causes.of_stage(BOOK, stage, here, stage.params if params is None else params, {"data"})
    return [(cause.kind, cause.what) for cause in own]


def test_a_reason_is_named_by_what_changed() -> None:
    same = dict(BOOK["evaluate@a"].deps)
    assert kinds(same) == []
    assert kinds({**same, "data": "x.dir"}) == [("data", "data")]
    assert kinds({**same, "src/evaluate.py": "x"}) == [("code", "src/evaluate.py")]
    assert kinds({**same, "work/model/a": "x"}) == [("upstream", "work/model/a")]
    assert kinds({path: md5 for path, md5 in same.items() if path != "src/evaluate.py"}) == [
        ("code", "src/evaluate.py")
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"evaluate.seed": 1}, ["evaluate.seed: 0 → 1"]),
        ({"evaluate.seed": False}, ["evaluate.seed: 0 → False"]),
        ({"evaluate.by": ["x", "y"]}, ["evaluate.by: ['x'] → ['x', 'y']"]),
        ({"evaluate.new": 3}, ["evaluate.new: absent → 3"]),
        ({"gate.limit": 3}, []),
        ({"train.net.crop": "5"}, ["train.net.crop: 5 → '5'"]),
        ({"train.net.lr": 3}, []),  # of that section one key alone was recorded
        ({"evaluate.deep.er": 3}, ["evaluate.deep.er: absent → 3"]),
    ],
)
def test_a_changed_parameter_is_named_with_both_values(change: dict[str, object], expected: list[str]) -> None:
    stage = BOOK["evaluate@a"]
    assert [cause.words for cause in causes.of_params(stage, {**stage.params, **change})] == expected


def test_a_removed_parameter_is_named() -> None:
    [cause] = causes.of_params(lock.Stage("s", (), {}, {"a.b": 1}, {}), {"a.c": {}})
    assert cause.words == "a.b: 1 → absent"


PIPELINE = """
stages:
  train: {foreach: {net: {}, other: {}}, do: {cmd: train}}
  evaluate: {matrix: {approach: [a, b], by: [1, 2]}, cmd: e}
  listed: {foreach: [{n: 1}, {n: 2}], do: {cmd: x}}
  filled: {foreach: "${nets}", do: {cmd: x}}
  drawn: {matrix: {a: "${nets}"}, cmd: x}
  gate: {cmd: gate}
"""


@pytest.mark.parametrize(
    ("name", "is_known"),
    [
        ("gate", True), ("gate@a", False), ("gone", False), ("export@net", False), ("train", False),
        ("train@net", True), ("train@gone", False), ("evaluate@a-1", True), ("evaluate@a-3", False),
        ("evaluate@a", False), ("listed@1", True), ("listed@2", False), ("listed@x", False), ("filled@any", True),
        ("filled", False), ("drawn@any", True),
    ],
)  # fmt: skip
def test_stages_that_the_lock_keeps_of_an_earlier_pipeline_are_passed_over(name: str, is_known: bool) -> None:
    text = yaml.safe_dump({"schema": "2.0", "stages": {name: {"cmd": "x"}}})
    assert list(lock.read(text, PIPELINE)) == [name] * is_known
    assert list(lock.read(text)) == [name]


def test_pins_are_compared_by_normalised_name_and_those_for_elsewhere_are_left_out() -> None:
    text = "My_Pkg==1.0 \\\n    --hash=sha256:00\nother==2 ; sys_platform == 'win32' \\\nlast.one==3.1\n"
    assert causes.pins(text) == {"last-one": "3.1", "my-pkg": "1.0"}
    found = causes.environment(text, "aa", {"my-pkg": "1.1"})
    assert [cause.words for cause in found.differing] == ["my-pkg: 1.0 → 1.1"]
    assert (found.missing, found.num_pinned) == (("last-one",), 2)
    assert causes.hardware(None, "x") == causes.hardware("x", "x") == []


def test_the_band_is_students_prediction_interval_of_a_difference() -> None:
    values = [0.80, 0.82, 0.79, 0.83]
    expected = np.sqrt(2) * np.std(values, ddof=1) * stats.t.ppf(0.975, 3)
    assert noise.band(values) == pytest.approx(expected)
    assert noise.band([0.8]) is None
    assert noise.band([0.8, None]) is None


def test_of_two_trainings_like_those_measured_one_difference_in_twenty_is_called_beyond() -> None:
    rng = np.random.default_rng(0)
    beyond = 0
    for draw in rng.normal(size=(4000, 5)):
        beyond += abs(draw[0] - draw[1]) > (noise.band(draw[2:].tolist()) or 0)
    assert beyond / 4000 == pytest.approx(0.05, abs=0.01)


def test_the_figures_that_are_judged_are_numbers_of_the_whole_test_split() -> None:
    metrics = {"f1": 0.8, "ap50": None, "slices": {"x": {"f1": 1}}, "decisions": {"n": {"error": 0.1, "met": "open"}}}
    assert noise.figures(metrics) == {"f1": 0.8, "ap50": None, "decisions.n.error": 0.1}


def compared(here: float, band: float | None) -> list[Compared]:
    return noise.compare("work/evaluate/a/metrics.json", {"f1": 0.8}, {"f1": here}, {"f1": band})


def states(written: dict[str, str], figures: list[Compared], failure: str = "") -> dict[str, str]:
    runs = [Ran(n, {p: written.get(p, m) for p, m in s.outs.items()}, ()) for n, s in BOOK.items()]
    runs = [Ran("train@net", {}, (), failure)] if failure else runs
    return {o.path: o.state for o in outputs(BOOK, runs, {"work/times.json"}, figures)}


def test_outputs_are_judged_by_their_bytes_and_then_by_the_figures_that_follow_from_them() -> None:
    assert set(states({}, []).values()) == {"identical", "measurement"}
    changed = {"work/model": "x", "work/verdict.json": "x"}
    assert states(changed, compared(0.81, 0.02))["work/model"] == "within noise"
    assert states(changed, compared(0.81, 0.02))["work/verdict.json"] == "within noise"
    assert states(changed, compared(0.83, 0.02))["work/model"] == "different"
    assert states(changed, compared(0.8, None))["work/model"] == "different"  # equal figures, nothing measured
    assert states(changed, [])["work/model"] == "different"
    assert states({"work/times.json": "x"}, [])["work/times.json"] == "measurement"
    assert states({}, [], failure="it broke") == {"work/model": "different"}


def test_an_output_that_no_figure_hangs_on_is_judged_by_all_of_them() -> None:
    """As the folder of a cascade that was refused, whose reason names figures."""
    book = lock.read(LOCK + "  compose:\n    cmd: c\n    outs: [{path: work/cascade, md5: c}]\n")
    for here, expected in ((0.81, "within noise"), (0.83, "different")):
        found = outputs(book, [Ran("compose", {"work/cascade": "x"}, ())], (), compared(here, 0.02))
        assert [output.state for output in found] == [expected]
    assert outputs(book, [Ran("compose", {"work/cascade": "x"}, ())], (), [])[0].state == "different"


def test_a_figure_that_appears_or_vanishes_is_beyond() -> None:
    for recorded, here in ({}, {"f1": 0.8}), ({"f1": 0.8}, {}), ({"f1": 0.8}, {"f1": None}):
        [figure] = noise.compare("f", recorded, here, {"f1": 9.0})
        assert not figure.is_within


def test_the_worst_output_decides() -> None:
    runs = [Ran(n, dict(s.outs), ()) for n, s in BOOK.items()]
    assert overall(outputs(BOOK, runs, (), [])) == "identical"
    lost = [*runs[:-1], Ran("gate", {}, (), "no input", has_run=False)]
    assert overall(outputs(BOOK, lost, (), [])) == "incomplete"
    assert overall(outputs(BOOK, [Ran("train@net", {"work/model": "x"}, ()), *lost[1:]], (), [])) == "different"
    assert overall([]) == "incomplete"


def test_noise_is_measured_from_the_training_to_the_figures_and_belongs_to_all_they_read_but_the_seed() -> None:
    names = rerun.noise_stages(BOOK)
    assert names == ["train@net", "evaluate@a"]
    basis = rerun.basis(BOOK, names)
    other = lock.read(LOCK.replace("{seed: 0, lr: 0.1}", "{seed: 5, lr: 0.1}").replace("md5: w", "md5: other"))
    assert rerun.basis(other, names) == basis
    for old, new in (("lr: 0.1", "lr: 0.2"), ("md5: e}", "md5: e2}"), ("md5: d.dir", "md5: d2.dir")):
        assert rerun.basis(lock.read(LOCK.replace(old, new)), names) != basis


def test_only_the_seeds_of_trainings_are_moved() -> None:
    text = "train: {a: {seed: 3, lr: 1}, b: {seed: 0}}\nsplit: {seed: 0}\n"
    assert yaml.safe_load(rerun.with_seed(text, 2)) == {
        "train": {"a": {"seed": 5, "lr": 1}, "b": {"seed": 2}},
        "split": {"seed": 0},
    }


def told(written: dict[str, str]) -> str:
    """The summary of a run of which both stages read other code, and some outputs differ."""
    names = ("train@net", "evaluate@a")
    code = {name: causes.Cause("code", f"src/{name}.py", "md5 a", "md5 b") for name in names}
    outs = {name: {p: written.get(p, m) for p, m in BOOK[name].outs.items()} for name in names}
    runs = [Ran(name, outs[name], [code[name]]) for name in names]
    known = causes.environment(None, None, {})
    return text_of(Story("c" * 40, outputs(BOOK, runs, (), []), runs, [], known, "x", "x", [], "noise", ["gate"], "0"))


def test_what_explains_a_difference_is_told_apart_from_what_changed_nothing() -> None:
    why, idle = told({"work/model": "x"}).split("why:")[1].split("what differs, and changed nothing:")
    assert "src/train@net.py: md5 a → md5 b" in why
    assert "src/evaluate@a.py" not in why
    assert "src/evaluate@a.py" in idle
    alike = told({})
    assert "why:" not in alike
    assert alike.split("changed nothing:")[1].count("src/") == 2
    assert alike.startswith(
        "cccccccccccc run again: bit-identical\n2 outputs: 2 bit-identical\n1 of 3 stages were not asked for: gate\n"
    )
