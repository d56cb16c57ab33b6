"""`profile` reads, plans and shows; `plan` compares and writes, or leaves everything as it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from segwise.advice.plan import from_yaml
from segwise.dataset.params import DataParams, ProfileParams, SplitParams
from segwise.errors import IntegrityError, UsageError
from segwise.params import load
from segwise.stages import plan, profile
from segwise.stages import split as split_stage
from tests.factory import make_dataset

SHIPPED = Path(__file__).resolve().parents[2] / "params.yaml"
FILES = ("profile.json", "plan.yaml", "profile.html")


@pytest.fixture(scope="module")
def profiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data set, its profile and the shipped parameters."""
    root = tmp_path_factory.mktemp("profiled")
    make_dataset(root / "data")
    shutil.copy(SHIPPED, root / "params.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        assert "12 images" in profile.run(DataParams(), ProfileParams())["summary"]
    return root


@pytest.fixture
def here(profiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to work in."""
    shutil.copytree(profiled, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


def test_the_stage_writes_the_profile_the_plan_and_the_page(here: Path) -> None:
    assert json.loads(Path("work/profile.json").read_text())["num_images"] == 12
    assert [e for e in from_yaml(Path("work/plan.yaml").read_text(), "plan") if e.about == "train.dense.zoom"]
    assert Path("work/profile.html").read_text().count("<figure>") == 12


def test_the_same_data_gives_the_same_bytes(here: Path) -> None:
    before = [Path("work", name).read_bytes() for name in FILES]
    profile.run(DataParams(), ProfileParams())
    assert [Path("work", name).read_bytes() for name in FILES] == before


def test_no_samples_are_shown_where_none_are_asked_for(here: Path) -> None:
    profile.run(DataParams(), ProfileParams(num_samples=0))
    assert "<figure>" not in Path("work/profile.html").read_text()


def test_the_split_follows_beside_it(here: Path) -> None:
    split_stage.run(DataParams(), SplitParams())
    assert json.loads(Path("work/split.json").read_text())["test"] == ["image_006.png", "image_007.png"]


def test_the_plan_is_shown_beside_the_present_values_and_writes_nothing(here: Path) -> None:
    before = Path("params.yaml").read_bytes()
    result = plan.run()
    planned = {row["key"]: row for row in result["entries"]}
    zoom = planned["train.dense.zoom"]
    assert zoom["now"] == load().train.dense.zoom
    assert (f"* train.dense.zoom: {zoom['now']} → {zoom['planned']}" in result["summary"]) == zoom["changes"]
    assert zoom["why"][:30] in result["summary"]
    assert planned["free rotation"]["changes"] is False
    assert Path("params.yaml").read_bytes() == before


def test_applying_writes_every_planned_value_and_keeps_the_rest(here: Path) -> None:
    before = Path("params.yaml").read_text().splitlines()
    rows = [row for row in plan.run(apply=True)["entries"] if row["changes"]]
    after = Path("params.yaml").read_text().splitlines()
    assert len(rows) >= 3
    assert 0 < sum(a != b for a, b in zip(before, after, strict=True)) <= len(rows)
    assert (
        load().train.dense.augment.invert_p
        == {r["key"]: r for r in rows}.get("train.dense.augment.invert_p", {"planned": 0.1})["planned"]
    )
    assert not any(row["changes"] for row in plan.run()["entries"])
    assert "already follows" in plan.run(apply=True)["summary"]


def test_applying_some_keys_leaves_the_others(here: Path) -> None:
    before = yaml.safe_load(Path("params.yaml").read_text())
    before["train"]["instance"]["max_objects"] = 100
    plan.run(apply=True, keys=["train.instance.max_objects"])
    assert yaml.safe_load(Path("params.yaml").read_text()) == before


def test_what_only_the_other_instance_network_reads_is_planned_when_it_is_chosen_or_asked_for(here: Path) -> None:
    anchors = "train.instance.anchor_sizes_px"
    assert anchors not in {row["key"] for row in plan.run()["entries"]}
    assert {row["key"] for row in plan.run(keys=[anchors])["entries"]} == {anchors}
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("architecture: fcos_mask", "architecture: mask_rcnn", 1))
    assert anchors in {row["key"] for row in plan.run()["entries"]}


def test_a_plan_edited_by_hand_is_what_is_applied(here: Path) -> None:
    text = Path("work/plan.yaml").read_text()
    first = next(line for line in text.splitlines() if line.startswith("    value:"))
    Path("work/plan.yaml").write_text(text.replace(first, "    value: 1.25", 1))
    plan.run(apply=True, keys=["train.dense.zoom"])
    assert load().train.dense.zoom == 1.25


def test_an_unknown_key_is_refused_with_the_nearest_and_nothing_is_written(here: Path) -> None:
    before = Path("params.yaml").read_bytes()
    with pytest.raises(UsageError, match=r"did you mean `train.dense.zoom`\?"):
        plan.run(apply=True, keys=["train.instance.max_objects", "train.dense.zom"])
    with pytest.raises(UsageError):
        plan.run(apply=True, keys=["free rotation"])
    assert Path("params.yaml").read_bytes() == before


def test_a_planned_value_out_of_range_is_refused_and_nothing_is_written(here: Path) -> None:
    text = Path("work/plan.yaml").read_text()
    Path("work/plan.yaml").write_text(text.replace("value: ", "value: -", 1))
    before = Path("params.yaml").read_bytes()
    with pytest.raises(UsageError, match=r"train.dense.zoom.*\(planned\)"):
        plan.run(apply=True)
    assert Path("params.yaml").read_bytes() == before
    assert sorted(p.name for p in here.iterdir()) == ["data", "params.yaml", "work"]


def test_a_planned_key_that_the_parameters_lack_is_refused(here: Path) -> None:
    lines = Path("params.yaml").read_text().splitlines(keepends=True)
    Path("params.yaml").write_text("".join(line for line in lines if not line.startswith("    class_weights:")))
    assert next(r for r in plan.run()["entries"] if r["key"] == "train.dense.class_weights")["now"] is None
    with pytest.raises(UsageError, match=r"train\.dense\.class_weights"):
        plan.run(apply=True, keys=["train.dense.class_weights"])


def test_the_file_keeps_its_permissions(here: Path) -> None:
    Path("params.yaml").chmod(0o640)
    plan.run(apply=True)
    assert Path("params.yaml").stat().st_mode & 0o777 == 0o640


def test_without_a_profile_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(SHIPPED, "params.yaml")
    with pytest.raises(IntegrityError, match="segwise profile"):
        plan.run()


def test_the_table_fits_the_width_it_is_given(here: Path) -> None:
    rows = plan.run()["entries"]
    reasons = [line for line in plan.table(rows, 70).splitlines() if line.startswith("      ")]
    assert reasons and max(map(len, reasons)) <= 70
