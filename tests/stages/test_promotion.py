"""From a verdict to a champion: packaging, promoting, rolling back."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from segwise import bundle, packing, registry, signing, store, trust
from segwise.dataset import coco
from segwise.dataset.params import DataParams
from segwise.errors import BusyError, GateRefusedError, InconclusiveError, IntegrityError, SegwiseError, UsageError
from segwise.evaluation.sums import write_sums
from segwise.gate.params import GateParams, PackageParams
from segwise.gate.row import Row
from segwise.params import Params, load
from segwise.promotion import agreement
from segwise.promotion.contest import Entrant
from segwise.promotion.evidence import Evidence
from segwise.spec import canonical_json, sha256_of
from segwise.stages import gate, history, package, promote, rollback
from tests.factory import make_dataset
from tests.gate.made import make_sums
from tests.keys import make_pair
from tests.model_folder import make_model

REPO = Path(__file__).resolve().parents[2]
GATE = GateParams(replicates=100, min_miou=0.5, max_p95_ms=100)
PARAMS = load(REPO / "params.yaml").model_copy(update={"decision": {}, "gate": GATE})


def write_run(root: Path, gain: float = 8.0, p95_ms: float = 20.0) -> None:
    """The files that gate and package read, for one approach."""
    make_model(root / "work/calibrate/semantic", gain)
    timing = {"p50_ms": 0.8 * p95_ms, "p95_ms": p95_ms, "model_mb": 0.1}
    (root / "work/evaluate/semantic").mkdir(parents=True, exist_ok=True)
    (root / "work/evaluate/semantic/metrics.json").write_text(canonical_json({"miou": 0.9, "count_error": 0.1}))
    write_sums(root / "work/evaluate/semantic/sums.npz", make_sums(0.9))
    (root / "work/benchmark.json").write_text(canonical_json({"approaches": {"semantic": timing}}))


def new_root(root: Path) -> Path:
    (root / "src").symlink_to(REPO / "src")
    shutil.copy(REPO / "bentofile.yaml", root / "bentofile.yaml")
    (root / "data.dvc").write_text("outs:\n- md5: 0123abc.dir\n  path: data\n")
    names = [f"image_{n:03}.png" for n in range(12)]
    make_dataset(root / "data", num_images=12)
    (root / "work").mkdir(exist_ok=True)
    (root / "work/split.json").write_text(canonical_json({"train": [], "val": [], "test": names}))
    write_run(root)
    return root


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two runs that differ in their latency only ("a", "again"), and one with another model ("b")."""
    out = {}
    with pytest.MonkeyPatch.context() as patch:
        for name, gain, p95_ms in (("a", 8.0, 20.0), ("again", 8.0, 31.4), ("b", 9.0, 20.0)):
            root = new_root(tmp_path_factory.mktemp(name))
            write_run(root, gain, p95_ms)
            patch.chdir(root)
            gate.run(GATE)
            package.run(DataParams(), PackageParams())
            out[name] = root / "work/package"
    return out


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packages: dict[str, Path]) -> Path:
    """An empty repository that has packaged "a"."""
    monkeypatch.chdir(tmp_path)
    use(packages["a"])
    return tmp_path


def use(package_dir: Path) -> None:
    for name in ("package", "gate", "evaluate"):
        shutil.copytree(package_dir.parent / name, f"work/{name}", dirs_exist_ok=True)
    shutil.copy(package_dir.parent / "split.json", "work/split.json")
    shutil.copytree(package_dir.parent.parent / "data", "data", dirs_exist_ok=True)


def row(verdict: Any, name: str = "f1") -> Row:
    to_change = "" if verdict == "promote" else f"it {verdict}s"
    return Row("quality", name, name, "fraction", verdict, 0.9, 0.9, 0.0, (-0.01, 0.01), 0.02, to_change)


def promoted(
    actor: str, reason: str, *verdicts: str, params: Params = PARAMS, sign_key: Path | None = None
) -> dict[str, Any]:
    """Promote on evidence that is made up here: what gathers it has tests of its own in tests/promotion."""
    found = Evidence([row(v) for v in verdicts or ("promote",)], {"noise": None}, 6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promote.evidence, "gather", lambda *_: found)
        return promote.run(actor, reason, params, sign_key)


def test_two_builds_of_the_same_model_are_the_same_bytes_whatever_the_clock_said(packages: dict[str, Path]) -> None:
    for name in ("segwise.bento", "manifest.json"):
        assert (packages["a"] / name).read_bytes() == (packages["again"] / name).read_bytes()
    assert sha256_of(packages["a"] / "segwise.bento") != sha256_of(packages["b"] / "segwise.bento")


def test_the_archive_is_a_bento_that_bentoml_imports(packages: dict[str, Path], tmp_path: Path) -> None:
    archive = (packages["a"] / "segwise.bento").resolve()
    code = f"import bentoml; print(bentoml.import_bento({str(archive)!r}).tag)"
    env = {"BENTOML_HOME": str(tmp_path), "BENTOML_DO_NOT_TRACK": "True", "DO_NOT_TRACK": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.startswith("segwise:")


def test_the_manifest_names_every_file_the_data_the_parameters_and_the_metrics(packages: dict[str, Path]) -> None:
    manifest = json.loads((packages["a"] / "manifest.json").read_text())
    assert {"bento.yaml", "src/model/model.onnx", "src/segwise/serving/service.py"} <= manifest["files"].keys()
    assert manifest["data_md5"] == "0123abc.dir"
    assert manifest["metrics"]["miou"] == 0.9
    assert manifest["params"]["zoom"] == 1.0
    assert manifest["packages"].keys() >= {"onnxruntime", "numpy"}
    assert len(manifest["golden"]["images"]) == 5
    assert {"src/golden/0.png", "src/golden/0.answer.png"} <= manifest["files"].keys()
    assert not any("torch" in name or "models/" in name for name in [*manifest["packages"], *manifest["files"]])


def test_everything_the_shipped_code_imports_of_segwise_is_shipped(packages: dict[str, Path]) -> None:
    files = json.loads((packages["a"] / "manifest.json").read_text())["files"]
    shipped = {n.removeprefix("src/").removesuffix(".py").replace("/", ".") for n in files if n.endswith(".py")}
    shipped |= {name.removesuffix(".__init__") for name in shipped}
    for name in (n for n in files if n.endswith(".py")):
        for node in ast.walk(ast.parse((REPO / name).read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("segwise"):
                for alias in node.names:
                    assert node.module in shipped, f"{name} imports {node.module}"
                    assert f"{node.module}.{alias.name}" in shipped or "." in str(node.module) or node.module in shipped


def test_the_package_stage_depends_on_all_that_it_ships() -> None:
    stage = yaml.safe_load((REPO / "dvc.yaml").read_text())["stages"]["package"]
    include = yaml.safe_load((REPO / "bentofile.yaml").read_text())["include"]
    deps = [dep.rstrip("/") for dep in stage["deps"]]
    for path in (p.rstrip("/") for p in include if p not in packing.MADE):
        assert any(path == dep or path.startswith(f"{dep}/") for dep in deps), (
            f"{path} is shipped but no dep of package"
        )


def test_without_a_winner_the_manifest_says_why_and_nothing_is_promoted(root: Path) -> None:
    write_run(root)
    gate.run(GateParams(replicates=100, min_miou=0.99))
    package.run(DataParams(), PackageParams())
    assert json.loads(Path("work/package/manifest.json").read_text())["winner"] is None
    assert not Path("work/package/segwise.bento").exists()
    with pytest.raises(GateRefusedError, match=r"mIoU would have to rise from 0\.938 to at least 0\.990") as caught:
        promoted("ada", "try")
    assert caught.value.exit_code == 3
    assert not registry.EVENTS.exists()


def test_a_package_made_before_the_gate_was_tightened_is_not_promoted(root: Path) -> None:
    write_run(root)
    gate.run(GateParams(replicates=100, min_miou=0.99))
    with pytest.raises(GateRefusedError, match=r"mIoU would have to rise from 0\.938 to at least 0\.990"):
        promoted("ada", "old package")
    assert not registry.EVENTS.exists()


def test_a_package_of_another_approach_than_the_gates_winner_is_not_promoted(root: Path) -> None:
    verdict = Path("work/gate/verdict.json")
    verdict.write_text(canonical_json({**json.loads(verdict.read_text()), "winner": "hybrid"}))
    with pytest.raises(IntegrityError, match="the gate's winner, hybrid") as caught:
        promoted("ada", "old package")
    assert "dvc repro" in caught.value.remedy
    assert not registry.EVENTS.exists()


def test_a_package_without_a_verdict_is_not_promoted(root: Path) -> None:
    Path("work/gate/verdict.json").unlink()
    with pytest.raises(IntegrityError, match=r"verdict\.json"):
        promoted("ada", "no verdict")


def test_what_a_killed_promotion_left_is_removed_by_the_next(root: Path) -> None:
    left = [Path(".segwise/store/.partial-a"), Path(".segwise/champions/.partial-b/bento")]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "file").write_text("half")
    promoted("ada", "first")
    assert not list(Path(".segwise").rglob(".partial-*"))


def test_promoting_stores_unpacks_verifies_and_records(root: Path) -> None:
    result = promoted("ada", "first")
    opened, event = registry.read()
    assert (opened.kind, opened.digest, opened.details["num_images"]) == ("test_read", result["digest"], 12)
    assert (event.actor, event.reason, event.digest) == ("ada", "first", result["digest"])
    assert sha256_of(Path(f".segwise/store/{event.bento_sha256}.bento")) == event.bento_sha256
    assert bundle.verify(Path(".segwise/champions") / event.digest, event.digest)[0] == event.digest
    assert (store.champion_model() / "model.onnx").is_file()
    assert not list(Path(".segwise").rglob(".partial-*"))


def test_promoting_the_champion_again_does_nothing_and_says_so(root: Path) -> None:
    promoted("ada", "first")
    before = registry.EVENTS.read_bytes()
    result = promoted("bob", "again")
    assert result["changed"] is False
    assert "nothing to do" in result["summary"]
    assert registry.EVENTS.read_bytes() == before


def test_a_rollback_returns_to_the_champion_before(root: Path, packages: dict[str, Path]) -> None:
    first = promoted("ada", "first")["digest"]
    use(packages["b"])
    second = promoted("ada", "second")["digest"]
    assert first != second
    assert rollback.run("bob", "undercounts")["digest"] == first
    assert store.champion()[1].digest == first
    assert [e["kind"] for e in history.run()["events"]] == [
        "test_read",
        "promote",
        "test_read",
        "promote",
        "rollback",
    ]
    with pytest.raises(UsageError, match="a champion before this one"):
        rollback.run("bob", "further")


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b[:2000] + b"\x00" + b[2001:], lambda b: b""])
def test_a_damaged_archive_is_not_promoted(root: Path, damage: object) -> None:
    path = Path("work/package/segwise.bento")
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]  # a lambda
    with pytest.raises(IntegrityError):
        promoted("ada", "first")
    assert not registry.EVENTS.exists()


def test_an_archive_of_another_run_is_not_promoted_under_this_manifest(root: Path, packages: dict[str, Path]) -> None:
    shutil.copy(packages["b"] / "segwise.bento", "work/package/segwise.bento")
    with pytest.raises(IntegrityError, match=r"manifest\.json"):
        promoted("ada", "first")
    assert not registry.EVENTS.exists()


@pytest.mark.parametrize(
    "name", ["src/model/model.onnx", "src/manifest.json", "src/segwise/serving/engine.py", "bento.yaml"]
)
def test_a_changed_file_of_the_champion_is_unpacked_anew(root: Path, name: str) -> None:
    digest = promoted("ada", "first")["digest"]
    file = Path(".segwise/champions") / digest / name
    before = file.read_bytes()
    file.write_bytes(before + b" ")
    store.champion()
    assert file.read_bytes() == before


def test_an_added_file_or_a_removed_folder_of_the_champion_is_put_right(root: Path) -> None:
    digest = promoted("ada", "first")["digest"]
    folder = Path(".segwise/champions") / digest
    (folder / "src/segwise/extra.py").write_text("print('not gated')")
    store.champion()
    assert not (folder / "src/segwise/extra.py").exists()
    shutil.rmtree(folder)
    store.champion()
    assert (folder / "bento.yaml").is_file()


def test_a_champion_whose_archive_is_damaged_too_is_not_served(root: Path) -> None:
    result = promoted("ada", "first")
    (Path(".segwise/champions") / result["digest"] / "bento.yaml").unlink()
    archive = Path(f".segwise/store/{result['bento_sha256']}.bento")
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match="the promoted archive"):
        store.champion()


def test_asking_for_the_champion_before_the_first_promotion_says_what_to_run(root: Path) -> None:
    with pytest.raises(SegwiseError, match="make run"):
        store.champion()


def test_a_promotion_killed_before_its_record_changes_nothing_and_the_next_succeeds(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = registry.append

    def killed(kind: Any, *values: Any, **more: Any) -> Any:
        if kind == "promote":
            raise KeyboardInterrupt
        return append(kind, *values, **more)

    with monkeypatch.context() as patch:
        patch.setattr(registry, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            promoted("ada", "first")
    assert registry.champion(registry.read()) is None
    assert promoted("ada", "again")["changed"] is True


def test_a_module_missing_from_the_bentofile_fails_the_build_and_is_named(tmp_path: Path) -> None:
    root = new_root(tmp_path)
    text = (root / "bentofile.yaml").read_text()
    (root / "bentofile.yaml").write_text(text.replace("  - src/segwise/bundle.py\n", ""))
    staged = tmp_path / "staged"
    staged.mkdir()
    packing.stage(root, root / "work/calibrate/semantic", "# card\n", staged)
    with pytest.raises(SegwiseError, match=r"segwise\.bundle"):
        packing.build(staged, tmp_path / "scratch")


def test_the_record_names_every_check_the_criteria_and_the_report(root: Path) -> None:
    promoted("ada", "first", "promote", "promote")
    event = registry.read()[-1]
    told = json.loads(Path("work/promotion/promotion.json").read_text())
    assert event.details["promotion_sha256"] == sha256_of(Path("work/promotion/promotion.json"))
    assert [c["verdict"] for c in event.details["checks"]] == ["promote", "promote"]
    assert (told["verdict"], told["challenger"]["digest"], told["num_images"]) == ("promote", event.digest, 12)
    assert told["criteria_sha256"] == registry.criteria.digest(registry.criteria_of(PARAMS))
    assert "golden images answered as recorded, byte for byte" in event.details["golden"]
    assert event.details["split_sha256"] == sha256_of(Path("work/split.json"))
    assert told["notes"] == [
        "No training of dense is recorded: its criteria were not frozen.",
        "The test split was opened 1 times so far, this one included; no bound is corrected for it.",
    ]
    assert Path("work/promotion/index.html").read_text().startswith("<!doctype html>")


def test_the_record_says_on_which_machine_and_how_fast(root: Path) -> None:
    timing = {
        "challenger": {"p95_ms": 90.5, "cpu_times_ms": [1.0, 2.0]},
        "noise": None,
        "machine": {"cpu": "Pentium 4"},
    }
    found = Evidence([row("promote")], timing, 6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promote.evidence, "gather", lambda *_: found)
        patch.setattr(promote.promotion_page, "render", lambda *_: "")
        promote.run("ada", "first", PARAMS)
    assert registry.read()[-1].details["timing"] == {
        "challenger": {"p95_ms": 90.5}, "noise": None, "machine": {"cpu": "Pentium 4"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "error", "kind", "code"),
    [
        (("promote", "hold", "inconclusive"), GateRefusedError, "hold", 3),
        (("promote", "inconclusive"), InconclusiveError, "inconclusive", 7),
    ],
)
def test_without_proof_the_champion_stays_and_the_verdict_is_recorded(
    root: Path, packages: dict[str, Path], verdicts: tuple[str, ...], error: type[SegwiseError], kind: str, code: int
) -> None:
    first = promoted("ada", "first")["digest"]
    use(packages["b"])
    with pytest.raises(error, match=f"it {kind}s") as caught:
        promoted("ada", "second", *verdicts)
    assert caught.value.exit_code == code
    assert store.champion()[1].digest == first
    event = registry.read()[-1]
    assert (event.kind, event.details["champion"]["digest"]) == (kind, first)
    assert event.digest != first
    assert json.loads(Path("work/promotion/promotion.json").read_text())["verdict"] == kind


def test_no_evidence_at_all_promotes_nothing(root: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promote.evidence, "gather", lambda *_: Evidence([], {"noise": None}, 0))
        with pytest.raises(GateRefusedError):
            promote.run("ada", "nothing was checked", PARAMS)
    assert registry.champion(registry.read()) is None


def test_a_promotion_between_reading_and_writing_wins_and_is_named(root: Path, packages: dict[str, Path]) -> None:
    promoted("ada", "first")
    use(packages["b"])

    def meanwhile(*_: Any) -> Evidence:
        registry.append("promote", {"digest": "d" * 64, "bento_sha256": "e" * 64}, {}, "grace", "faster")
        return Evidence([row("promote")], {"noise": None}, 6)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promote.evidence, "gather", meanwhile)
        with pytest.raises(BusyError, match="by grace"):
            promote.run("ada", "second", PARAMS)
    champion = registry.champion(registry.read())
    assert champion is not None and champion.actor == "grace"


def begin_training(params: Params) -> None:
    criteria = registry.criteria_of(params)
    details = {"criteria": criteria, "criteria_sha256": registry.criteria.digest(criteria)}
    registry.append("run", {"network": "dense", "params_sha256": "1"}, details, "ada", "training")


def test_criteria_that_changed_after_training_began_refuse_and_name_the_line(root: Path) -> None:
    begin_training(PARAMS)
    softer = PARAMS.model_copy(update={"gate": PARAMS.gate.model_copy(update={"min_f1": 0.01})})
    with pytest.raises(GateRefusedError, match=r"gate\.min_f1: \S+ → 0\.01") as caught:
        promoted("ada", "softer", params=softer)
    assert "amend" in caught.value.remedy
    assert [e.kind for e in registry.read()] == ["run"]
    assert promoted("ada", "as frozen")["changed"] is True


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"max_slowdown": 50.0}, r"promote\.max_slowdown: 1\.15 → 50\.0"),
        ({"min_parity_iou": 0.0}, r"promote\.min_parity_iou: 0\.99 → 0\.0"),
    ],
)
def test_what_a_package_has_to_keep_is_frozen_too(root: Path, change: dict[str, float], line: str) -> None:
    begin_training(PARAMS)
    softer = PARAMS.model_copy(update={"promote": PARAMS.promote.model_copy(update=change)})
    with pytest.raises(GateRefusedError, match=line):
        promoted("ada", "softer", params=softer)


def test_lax_limits_that_are_put_back_after_the_gate_has_run_promote_nothing(root: Path) -> None:
    """params.yaml then says what was frozen, and the verdict is one by other limits."""
    strict = PARAMS.model_copy(update={"gate": GATE.model_copy(update={"min_miou": 0.99})})
    begin_training(strict)
    write_run(root)
    assert gate.run(GATE)["winner"] == "semantic"
    with pytest.raises(IntegrityError, match="changed after the gate had run") as caught:
        promoted("ada", "put back", params=strict)
    assert "dvc repro" in caught.value.remedy
    Path("work/gate/checks.json").unlink()
    with pytest.raises(IntegrityError, match="changed after the gate had run"):
        promoted("ada", "put back", params=strict)
    assert registry.champion(registry.read()) is None


def test_a_verdict_on_other_figures_than_those_of_now_promotes_nothing(root: Path) -> None:
    """The test split grew and was evaluated, and the gate has not run since."""
    write_run(root)
    write_sums(Path("work/evaluate/semantic/sums.npz"), make_sums(0.9, num_groups=21))
    with pytest.raises(IntegrityError, match="evaluated again after the gate had run"):
        promoted("ada", "grown")
    assert gate.run(GATE)["winner"] == "semantic"
    assert promoted("ada", "judged again")["changed"] is True


def test_as_many_others_as_asked_must_have_approved(root: Path) -> None:
    two = PARAMS.model_copy(update={"promote": PARAMS.promote.model_copy(update={"approvals": 2})})
    digest = sha256_of(Path("work/package/manifest.json"))
    registry.append("approval", {"digest": digest}, {}, "grace", "looked at it")
    registry.append("approval", {"digest": digest}, {}, "ada", "my own")
    with pytest.raises(GateRefusedError, match="approved by grace, ada"):
        promoted("ada", "one is missing", params=two)
    registry.append("approval", {"digest": digest}, {}, "joan", "looked at it")
    assert promoted("ada", "two others did", params=two)["changed"] is True


def test_an_inconclusive_gate_is_told_as_such(root: Path) -> None:
    verdict = {"winner": None, "verdict": "inconclusive", "why": "about 30 more images would decide."}
    for name in ("verdict", "checks"):
        Path(f"work/gate/{name}.json").write_text(canonical_json(verdict))
    with pytest.raises(InconclusiveError, match="about 30 more images would decide"):
        promoted("ada", "try")
    assert not registry.EVENTS.exists()


def test_the_built_bento_answers_over_http_byte_for_byte_as_it_was_gated_and_recorded(root: Path) -> None:
    digest = promoted("ada", "first")["digest"]
    folder = Path(".segwise/champions") / digest
    dataset = coco.read(Path("data"))
    entrant = Entrant("challenger", folder / bundle.MODEL, 1)
    entrant.sums(dataset, dataset.images[:2], {}, PARAMS.evaluate)
    images = {record.file_name: dataset.pixels(record) for record in dataset.images[:2]}
    asked = agreement.ask_all(folder, images, entrant.predictor.spec.class_infos)
    rows = agreement.identity(folder, digest, asked, entrant.answers)
    assert {row.name: row.verdict for row in rows} == dict.fromkeys(("digest", "served_is_gated", "golden"), "promote")
    assert len(asked.golden) == 5
    assert bundle.verify(folder, digest)[0] == digest  # serving wrote nothing beside the verified files


def test_a_signed_promotion_records_the_signature_and_a_rollback_brings_it_back(
    root: Path, packages: dict[str, Path]
) -> None:
    key, public = make_pair(root, "ada")
    first = promoted("ada", "first", sign_key=key)
    event = registry.read()[-1]
    signature = event.details["signature"]
    path = trust.path_of(signature["sha256"])
    assert signature == {"sha256": sha256_of(path), "key_sha256": sha256_of(public)}
    assert str(path) in first["summary"]
    signing.verify(Path(".segwise/champions") / event.digest, path, public)
    use(packages["b"])
    promoted("ada", "second")
    assert "signature" not in registry.read()[-1].details
    with pytest.raises(IntegrityError, match="nobody signed"):
        store.champion([public])
    rollback.run("bob", "undercounts", [public])
    assert registry.read()[-1].details["signature"] == signature
    assert store.champion([public])[1].digest == event.digest


@pytest.mark.parametrize("verdict", ["hold", "inconclusive"])
def test_what_is_not_promoted_is_not_signed(root: Path, verdict: str) -> None:
    key, _ = make_pair(root, "ada")
    with pytest.raises(GateRefusedError):
        promoted("ada", "try", verdict, sign_key=key)
    assert "signature" not in registry.read()[-1].details
    assert not list(Path(".segwise").rglob("*.sig"))


def test_where_signatures_are_asked_for_a_promotion_without_the_key_ends_before_any_work(root: Path) -> None:
    key, _ = make_pair(trust.KEYS, "ada")
    strange, _ = make_pair(root, "bob")
    key.rename(root / "ada.key.pem")
    for other in (None, strange):
        with pytest.raises(UsageError, match="registry/keys"):
            promoted("ada", "first", sign_key=other)
    assert not Path(".segwise/store").exists()
    promoted("ada", "first", sign_key=root / "ada.key.pem")
    assert store.champion()[1].actor == "ada"


def test_a_key_that_cannot_sign_ends_a_promotion_before_any_work(root: Path) -> None:
    with pytest.raises(UsageError, match="private key"):
        promoted("ada", "first", sign_key=root / "absent.pem")
    assert not Path(".segwise/store").exists()


def test_the_champion_again_is_told_how_it_is_signed_if_nobody_did(root: Path) -> None:
    key, _ = make_pair(root, "ada")
    promoted("ada", "first")
    assert "to sign it: `segwise sign`" in promoted("ada", "again", sign_key=key)["summary"]
    registry.append("sign", registry.read()[-1].subject, {"signature": {"sha256": "1" * 64}}, "ada", "signed")
    assert "nothing to do" in promoted("ada", "again", sign_key=key)["summary"]
