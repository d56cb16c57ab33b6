"""A dossier of a small run: complete, repeatable byte for byte, and plain about what is missing or wrong."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from segwise import bundle, packing, registry
from segwise.dataset import coco
from segwise.dataset.integrity import data_digest
from segwise.dataset.params import DataParams
from segwise.errors import IntegrityError, UsageError
from segwise.evaluation.params import EvaluateParams
from segwise.params import load
from segwise.proof import checkout
from segwise.registry import head
from segwise.spec import canonical_json, sha256_of
from segwise.stages import dossier, evaluate
from tests.factory import make_dataset
from tests.model_folder import make_model
from tests.report.html import outside

REPO = Path(__file__).resolve().parents[2]
WORK = Path("work")


def write(path: str, value: Any) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(value if isinstance(value, str) else canonical_json(value), encoding="utf-8")


def git(*words: str) -> None:
    who = {f"GIT_{role}_{key}": "a@b" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    subprocess.run(["git", *words], check=True, env={**os.environ, **who, "GIT_COMMITTER_DATE": "2024-05-06T07:08:09Z"})


def make_run() -> None:
    """What a run of the pipeline leaves for the approach `semantic`, in the working directory."""
    data = make_dataset(Path("data"))
    digest = data_digest(data)
    write("data.dvc", yaml.safe_dump({"outs": [{"md5": digest, "path": "data"}]}))
    shutil.copy(REPO / "params.yaml", "params.yaml")
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params["gate"]["min_f1"] = 0.75
    write("params.yaml", yaml.safe_dump(params))
    write("requirements.lock", "not-installed==1.0\n")
    judged_by = {"gate": params["gate"], "evaluate": params["evaluate"]}
    gate = {"cmd": "segwise gate", "params": {"params.yaml": judged_by}}
    write("dvc.lock", yaml.safe_dump({"schema": "2.0", "stages": {"gate": gate}}))
    records = coco.read(data).images
    split = {part: [r.file_name for r in records if r.split == part] for part in ("train", "val", "test")}
    write("work/split.json", {**split, "left_out": [], "method": "given", "num_groups": dict.fromkeys(split, 2)})
    write("work/leaks.json", {"links": {"group": {"severity": "error", "num_links": 6, "num_across": 0, "across": []}}})
    counts = {"num_errors": 0, "num_warnings": 2, "num_accepted": 1, "num_images": 12, "num_objects": 60}
    write("work/labels/summary.json", {**counts, "findings": {"rim": 2}})
    write("work/labels/findings.json", [])
    make_model(WORK / "calibrate/semantic")
    own = load()
    evaluate.run("semantic", DataParams(), EvaluateParams(replicates=20), own.decision)
    write("work/benchmark.json", {
        "cpu": "A CPU", "device": "cpu", "threads": 1, "batch_size": 1, "num_images": 2, "image_sizes": ["128x96"],
        "approaches": {"semantic": {"p50_ms": 1.5, "p95_ms": 2.5, "model_mb": 0.01}},
    })  # fmt: skip
    check = {
        "name": "min_f1",
        "limit": 0.75,
        "value": 0.9,
        "passed": True,
        "verdict": "promote",
        "bound": 0.8,
        "confidence": 0.95,
    }
    unproven = {"name": "max_p95_ms", "limit": 2.0, "value": 2.5, "passed": False, "verdict": "hold"}
    judged = {"semantic": {"passed": True, "checks": [check, unproven], "to_change": []}}
    write("work/gate/checks.json", {"winner": "semantic", "why": "it is the cheapest", "approaches": judged})
    write("work/gate/verdict.json", {"winner": "semantic"})
    write("work/train/dense/network.json", {"params": {"seed": 7, "lr": 0.003}})
    write("work/train/dense/metrics.json", {"steps": 5, "val_loss": 0.25})
    write("work/train/dense/minutes.json", {"minutes": 1.5})
    write("work/train/dense/history.csv", "step,train_loss,val_loss\n5,,0.25\n")
    package(digest)


def package(digest: str) -> None:
    """A package as `segwise package` makes it, without BentoML."""
    bento = Path("bento")
    shutil.copytree(WORK / "calibrate/semantic", bento / bundle.MODEL)
    metrics = json.loads((WORK / "evaluate/semantic/metrics.json").read_text(encoding="utf-8"))
    about = {"winner": "semantic", "why": "it is the cheapest", "data_md5": digest, "metrics": metrics}
    bundle.write_manifest(bento, {**about, "packages": {"numpy": "2.0"}, "code_sha256": "c" * 64})
    (WORK / "package").mkdir()
    packing.pack(bento, WORK / "package/segwise.bento")
    shutil.copy(bento / bundle.MANIFEST, WORK / "package/manifest.json")
    shutil.rmtree(bento)


def spec_sha256() -> str:
    return sha256_of(WORK / "calibrate/semantic/model.json")


def make_history() -> None:
    """A training, a reading of the test split, an approval and a promotion, as the verbs record them."""
    digest, archive = sha256_of(WORK / "package/manifest.json"), sha256_of(WORK / "package/segwise.bento")
    now = registry.criteria_of(load())
    held = {"criteria": now, "criteria_sha256": registry.criteria.digest(now)}
    about = {"digest": digest, "bento_sha256": archive}
    with registry.locked():
        registry.append("run", {"network": "dense"}, held, "ada", "training begins")
        registry.append(
            "test_read", {"approach": "semantic", "model_sha256": spec_sha256()}, {}, "ada", "segwise evaluate"
        )
        registry.append("approval", about, {}, "grace", "read the report")
        registry.append("promote", about, {"approach": "semantic"}, "ada", "passed the gate")
    store = Path(".segwise/store")
    store.mkdir(parents=True)
    shutil.copy(WORK / "package/segwise.bento", store / f"{archive}.bento")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        make_run()
        write(".gitignore", "/work/\n/data\n/.segwise/\n/dossier/\n/registry/\n")
        git("init", "-q")
        git("add", "-A")
        git("commit", "-q", "-m", "a run")
        make_history()
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    target = tmp_path / "run"
    shutil.copytree(made, target)
    monkeypatch.chdir(target)
    return target


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def facts(found: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads((Path(found["path"]) / "dossier.json").read_text(encoding="utf-8")))


def result(found: dict[str, Any], words: str) -> tuple[str, str]:
    """Result and value of the requirement that begins with these words."""
    [row] = [r for r in facts(found)["requirements"] if r["requirement"].startswith(words)]
    return row["result"], row["value"]


def test_of_a_complete_run_nothing_is_missing_and_every_file_is_listed_with_its_digest(root: Path) -> None:
    found = dossier.run()
    folder = Path(found["path"])
    assert found["missing"] == []
    manifest = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))
    assert set(manifest["files"]) == set(files(folder)) - {"MANIFEST.json"}
    for name, listed in manifest["files"].items():
        assert listed == {"sha256": sha256_of(folder / name), "bytes": (folder / name).stat().st_size}
    assert manifest["package"] == sha256_of(WORK / "package/manifest.json")
    expected = {"index.html", "trace.csv", "sbom.cdx.json", "criteria.json", "records/params.yaml"}
    assert expected | {"records/registry/events.jsonl", "records/work/gate/checks.json"} <= set(manifest["files"])


def test_the_same_inputs_give_the_same_bytes_and_nothing_else_is_left(root: Path) -> None:
    first = dossier.run()
    before = files(Path("dossier"))
    assert dossier.run() == first
    assert files(Path("dossier")) == before
    assert [path.name for path in Path("dossier").iterdir()] == [Path(first["path"]).name]


def test_the_page_stands_alone_says_what_it_is_and_links_only_into_its_folder(root: Path) -> None:
    folder = Path(dossier.run()["path"])
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert "It confers nothing" in html.replace("\n", " ")
    assert "ISO 13485, IEC 62304 or 21 CFR Part 11" in html
    links = outside(html)
    assert "trace.csv" in links
    for link in links:
        assert (folder / link).is_file()


def test_every_labelled_object_of_the_test_images_is_traced_once_and_adds_up_to_the_measured_f1(root: Path) -> None:
    found = dossier.run()
    with (Path(found["path"]) / "trace.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = [(row["image"], int(row["label_id"])) for row in rows if row["of"] == "label"]
    records = [record for record in coco.read(Path("data")).images if record.split == "test"]
    assert sorted(labels) == sorted((r.file_name, a.id) for r in records for a in r.annotations)
    metrics = json.loads((WORK / "evaluate/semantic/metrics.json").read_text(encoding="utf-8"))
    right = sum(row["of"] == "label" and row["outcome"] == "right" for row in rows)
    invented = sum(row["of"] == "prediction" for row in rows)
    assert 2 * right / (2 * right + invented + len(labels) - right) == pytest.approx(metrics["f1"], abs=1e-6)
    assert result(found, "the objects, one by one")[0] == "pass"
    answered = [(row["image"], row["prediction_id"]) for row in rows if row["outcome"] == "right"]
    assert len(set(answered)) == len(answered)


def test_each_criterion_has_its_test_and_result(root: Path) -> None:
    found = dossier.run()
    assert result(found, "F1 at IoU 0.5 at least 0.75") == ("pass", "0.9; at worst 0.8 (95 % confidence)")
    assert result(found, "p95 latency at most 2.0 ms") == ("fail", "2.5 ms")
    assert result(found, "the labels keep") == ("pass", "0 errors, 2 warnings, 1 accepted")
    assert result(found, "what belongs together")[0] == "pass"
    assert result(found, "the criteria were frozen") == ("pass", "frozen by event 1; first opened by event 2")
    assert result(found, "the limits in params.yaml") == ("pass", "none has changed")
    assert result(found, "the event log is whole") == ("pass", "4 records verified")
    assert result(found, "the package holds")[0] == "pass"
    assert result(found, "the run can be repeated")[0] == "not recorded"
    assert result(found, "decision `nuclei_count`")[0] in ("pass", "fail", "not proven")


def test_the_records_of_training_latency_approvals_and_criteria_are_there(root: Path) -> None:
    found = facts(dossier.run())
    assert found["training"][0]["seed"] == 7
    assert found["training"][0]["history"] == [[5.0, None, 0.25]]
    assert (found["latency"]["p95_ms"], found["latency"]["cpu"]) == (2.5, "A CPU")
    assert [approval["actor"] for approval in found["approvals"]] == ["grace"]
    text = (Path("dossier") / found["about"]["name"] / "criteria.json").read_bytes()
    assert hashlib.sha256(text).hexdigest() == found["criteria"]["sha256"] == found["criteria"]["frozen_sha256"]
    assert found["about"]["at"].startswith("2024-05-06")


def test_a_reproduction_of_this_run_is_told_and_one_of_another_is_not(root: Path) -> None:
    report = {"revision": "f" * 40, "verdict": "identical", "outputs": [1, 2], "left_out": []}
    write("work/repro/report.json", {**report, "dvc_lock_sha256": sha256_of(Path("dvc.lock"))})
    found = dossier.run()
    assert result(found, "the run can be repeated") == ("pass", "identical, 2 outputs compared")
    assert (Path(found["path"]) / "records/work/repro/report.json").is_file()
    write("dvc.lock", Path("dvc.lock").read_text(encoding="utf-8") + "# of another run\n")
    found = dossier.run()
    assert result(found, "the run can be repeated")[0] == "not recorded"
    assert not (Path(found["path"]) / "records/work/repro/report.json").exists()


@pytest.mark.parametrize(
    "name", ["work/leaks.json", "work/labels/summary.json", "work/train/dense/minutes.json", "requirements.lock"]
)
def test_a_missing_input_is_named_on_the_page_and_in_the_manifest(root: Path, name: str) -> None:
    Path(name).unlink()
    found = dossier.run()
    assert name in [missing["what"] for missing in found["missing"]]
    folder = Path(found["path"])
    assert name in json.dumps(json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))["missing"])
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert f"<code>{name}</code>: no such file" in html


def test_without_a_registry_it_says_that_nothing_is_recorded(root: Path) -> None:
    shutil.rmtree("registry")
    found = dossier.run()
    assert [missing["what"] for missing in found["missing"]] == ["registry/events.jsonl"]
    assert result(found, "the criteria were frozen")[0] == "not recorded"
    assert result(found, "the event log is whole")[0] == "fail", "it was seen here"
    head.HEAD.unlink()
    assert result(dossier.run(), "the event log is whole")[0] == "not recorded"


def test_other_data_than_the_packages_is_not_traced(root: Path) -> None:
    image = next(Path("data/images").iterdir())
    image.write_bytes(image.read_bytes() + b"\0")
    found = dossier.run()
    [missing] = found["missing"]
    assert missing["what"] == "trace.csv"
    assert image.name in missing["why"] or "digest" in missing["why"]
    assert not (Path(found["path"]) / "trace.csv").exists()


def test_a_changed_record_of_the_log_fails_the_chain_and_no_event_is_believed(root: Path) -> None:
    path = Path("registry/events.jsonl")
    path.write_text(path.read_text(encoding="utf-8").replace("grace", "Grace"), encoding="utf-8")
    state, value = result(dossier.run(), "the event log is whole")
    assert state == "fail"
    assert "record 3" in value
    with pytest.raises(IntegrityError, match="record 3"):
        dossier.run("4")


def test_a_log_whose_end_was_cut_off_is_not_called_whole(root: Path) -> None:
    path = Path("registry/events.jsonl")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    state, value = result(dossier.run(), "the event log is whole")
    assert (state, "cut off" in value) == ("fail", True)
    with pytest.raises(IntegrityError, match="cut off"):
        dossier.run("3")


def test_the_test_split_counts_as_opened_for_the_model_that_was_asked_and_no_earlier_one(root: Path) -> None:
    Path("registry/events.jsonl").unlink()
    head.HEAD.unlink()
    now = registry.criteria_of(load())
    held = {"criteria": now, "criteria_sha256": registry.criteria.digest(now)}
    for model, network in (("f" * 64, "dense"), (spec_sha256(), "dense")):
        registry.append("run", {"network": network, "params_sha256": model}, held, "ada", "training begins")
        registry.append("test_read", {"approach": "semantic", "model_sha256": model}, {}, "ada", "segwise evaluate")
    assert result(dossier.run(), "the criteria were frozen") == ("pass", "frozen by event 3; first opened by event 4")
    assert facts(dossier.run())["num_test_reads"] == 2


def test_a_later_training_and_amendment_change_nothing_about_a_past_promotion(root: Path) -> None:
    first = facts(dossier.run("4"))["criteria"]
    now = registry.criteria_of(load())
    other = {**now, "gate": {**now["gate"], "min_f1": 0.1}}
    held = {"criteria": other, "criteria_sha256": registry.criteria.digest(other)}
    registry.append("run", {"network": "dense", "params_sha256": "x"}, held, "ada", "another training begins")
    registry.append("amend", {"criteria_sha256": "x"}, held, "ada", "later")
    found = dossier.run("4")
    assert facts(found)["criteria"] == first
    assert result(found, "the criteria were frozen")[0] == "pass"


def test_what_the_promotion_was_held_against_is_among_the_requirements(root: Path) -> None:
    digest = sha256_of(WORK / "package/manifest.json")
    row = {"part": "parity", "name": "parity.masks", "words": "masks served and trained", "unit": "fraction",
           "verdict": "promote", "champion": None, "challenger": 0.999, "difference": None, "limit": 0.99}  # fmt: skip
    details = {"approach": "semantic", "checks": [row], "golden": "2 golden images answered as recorded"}
    registry.append("promote", {"digest": digest, "bento_sha256": "0"}, details, "ada", "again")
    found = dossier.run()
    assert result(found, "masks served and trained") == ("pass", "challenger 0.999")
    assert result(found, "the package answers its golden images") == ("pass", "2 golden images answered as recorded")


@pytest.mark.parametrize("whose", ["its own", "another's"])
def test_the_page_of_a_promotion_is_kept_with_the_package_it_is_about(root: Path, whose: str) -> None:
    digest = sha256_of(WORK / "package/manifest.json") if whose == "its own" else "f" * 64
    write("work/promotion/promotion.json", {"challenger": {"digest": digest}})
    found = Path(dossier.run()["path"]) / "records/work/promotion/promotion.json"
    assert found.is_file() is (whose == "its own")


def test_what_somebody_keeps_among_the_dossiers_stays(root: Path) -> None:
    write("dossier/.git/HEAD", "ref: refs/heads/main")
    write("dossier/.part-killed/index.html", "half")
    dossier.run()
    assert Path("dossier/.git/HEAD").is_file()
    assert not Path("dossier/.part-killed").exists()


def test_a_criterion_changed_since_it_was_frozen_is_named(root: Path) -> None:
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params["gate"]["min_f1"] = 0.7
    write("params.yaml", yaml.safe_dump(params))
    state, value = result(dossier.run(), "the criteria were frozen")
    assert state == "fail"
    assert "gate.min_f1: 0.75 → 0.7" in value
    assert result(dossier.run(), "the limits in params.yaml") == ("fail", "changed since: gate.min_f1: 0.75 → 0.7")


def test_a_changed_archive_fails_and_its_model_is_not_asked(root: Path) -> None:
    (WORK / "package/segwise.bento").write_bytes(b"no archive")
    found = dossier.run()
    assert result(found, "the package holds")[0] == "fail"
    assert [missing["what"] for missing in found["missing"]] == ["trace.csv"]


@pytest.mark.parametrize("asked", ["4", "digest"])
def test_a_promotion_is_found_by_its_number_and_by_its_digest(root: Path, asked: str) -> None:
    digest = sha256_of(WORK / "package/manifest.json")
    found = dossier.run(digest[:10] if asked == "digest" else asked)
    about = facts(found)["about"]
    assert found["path"] == f"dossier/4-{digest[:12]}"
    assert (about["digest"], about["event"]["actor"], about["event"]["reason"]) == (digest, "ada", "passed the gate")
    assert found["missing"] == []


def keep(path: str) -> str:
    """Put a file into DVC's cache; returns its MD5."""
    md5 = str(checkout.md5_of(Path(path)))
    target = checkout.cached(Path(".dvc/cache/files/md5"), md5)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, target)
    return md5


@pytest.mark.parametrize("is_cached", [True, False])
def test_the_run_of_a_promotion_is_found_in_the_commit_that_recorded_it_after_the_promotion(
    root: Path, is_cached: bool
) -> None:
    names = ("work/package/manifest.json", "work/package/segwise.bento")
    rows = [{"md5": keep(name), "relpath": Path(name).name} for name in names]
    write("listing", json.dumps(rows, sort_keys=True))
    listing = f"{checkout.md5_of(Path('listing'))}.dir"
    if is_cached:
        kept = checkout.cached(Path(".dvc/cache/files/md5"), listing)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move("listing", kept)
    lock = yaml.safe_load(Path("dvc.lock").read_text(encoding="utf-8"))
    outs = [{"path": "work/package", "md5": listing}]
    split = [{"path": "work/split.json", "md5": keep("work/split.json")}]
    lock["stages"] |= {"package": {"cmd": "p", "outs": outs}, "split": {"cmd": "s", "outs": split}}
    write("dvc.lock", yaml.safe_dump(lock))
    write(".gitignore", "/work/\n/data\n/.segwise/\n/dossier/\n/registry/\n/.dvc/cache/\n/listing\n")
    git("commit", "-qam", "the run that was promoted")
    write("dvc.lock", yaml.safe_dump({"schema": "2.0", "stages": {}}))
    git("commit", "-qam", "another run")
    shutil.rmtree(WORK)
    found = dossier.run("4")
    own, done = facts(found), subprocess.run(["git", "rev-parse", "HEAD~1"], capture_output=True, text=True, check=True)
    assert own["about"]["commit"] == done.stdout.strip()
    assert own["data"]["split"]["test"]["images"] > 0
    assert "the files of the run" not in [missing["what"] for missing in found["missing"]]


def test_of_a_promotion_whose_files_are_gone_the_package_still_tells_its_part(root: Path) -> None:
    shutil.rmtree(WORK)
    found = dossier.run("4")
    assert "the files of the run" in [missing["what"] for missing in found["missing"]]
    own = facts(found)
    assert own["about"]["approach"] == "semantic"
    assert own["results"]["all"]["figures"]["f1"]
    assert result(found, "the package holds")[0] == "pass"


def test_without_a_winner_it_is_about_the_approach_that_came_nearest(root: Path) -> None:
    checks = json.loads((WORK / "gate/checks.json").read_text(encoding="utf-8"))
    write("work/gate/checks.json", {**checks, "winner": None})
    found = dossier.run()
    assert found["path"] == "dossier/work-semantic"
    assert "package" in [missing["what"] for missing in found["missing"]]
    assert result(found, "the objects, one by one")[0] == "pass"


@pytest.mark.parametrize("asked", ["9", "1", "abcdef0", "nothing"])
def test_what_is_no_package_is_refused_with_those_that_are(root: Path, asked: str) -> None:
    with pytest.raises(UsageError, match=r"4 \(promote"):
        dossier.run(asked)
    assert not Path("dossier").exists()


def test_before_any_run_it_says_what_to_do(root: Path) -> None:
    shutil.rmtree(WORK)
    with pytest.raises(IntegrityError, match="dvc repro"):
        dossier.run()


def test_an_archive_with_one_file_more_fails_and_its_model_is_not_asked(root: Path) -> None:
    with tarfile.open(WORK / "package/segwise.bento") as tar:
        tar.extractall("bento", filter="data")
    write("bento/src/added.py", "")
    packing.pack(Path("bento"), WORK / "package/segwise.bento")
    found = dossier.run()
    state, value = result(found, "the package holds")
    assert (state, "src/added.py: not in the manifest" in value) == ("fail", True)
    assert [missing["what"] for missing in found["missing"]] == ["trace.csv"]


def test_of_another_recorded_data_revision_nothing_is_traced(root: Path) -> None:
    write("data/new.txt", "later")
    write("data.dvc", yaml.safe_dump({"outs": [{"md5": data_digest(Path("data")), "path": "data"}]}))
    [missing] = dossier.run()["missing"]
    assert missing["what"] == "trace.csv"
    assert missing["why"].startswith("expected the data revision")
