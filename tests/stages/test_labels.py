"""segwise labels: findings are accepted with a reason, a baseline is made, two data revisions are compared."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segwise.dataset import integrity
from segwise.dataset.params import DataParams
from segwise.errors import DataInvalidError, IntegrityError, UsageError
from segwise.labels.contract import baseline
from segwise.labels.params import ValidateParams
from segwise.labels.revisions import layout
from segwise.stages import labels
from tests.factory import annotation, make_dataset, read_labels, write_labels


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder whose data has two tiny objects, in two images."""
    make_dataset(tmp_path / "data", num_images=4)
    monkeypatch.chdir(tmp_path)
    change(lambda document: document["annotations"].extend([tiny(900, 1), tiny(901, 2)]))
    return tmp_path


def tiny(number: int, image_id: int) -> dict[str, Any]:
    mask = np.zeros((96, 128), dtype=bool)
    mask[0, :2] = True
    return annotation(mask, number, image_id)


def change(edit: Callable[[dict[str, Any]], object]) -> None:
    document = read_labels(Path("data"))
    edit(document)
    write_labels(Path("data"), document)


def run(action: str, **options: Any) -> dict[str, Any]:
    return labels.run(action, DataParams(), ValidateParams(), **options)


def accept(**options: Any) -> dict[str, Any]:
    return run("accept", **({"check": "tiny area", "reason": "cut cells", "actor": "ada"} | options))


def known() -> list[tuple[str, str | None, str, str, str]]:
    return [(a.check, a.image, a.object_id, a.reason, a.by) for a in baseline.load().accepted]


def git(*arguments: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    done = subprocess.run(["git", *who, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def record(cache: Path = integrity.CACHE) -> str:
    """What `dvc add data` and a commit leave: the files and their manifest in the cache, the digest in data.dvc."""
    hashes = integrity.file_hashes(Path("data"))
    digest = integrity.manifest_digest(hashes)
    rows = [{"md5": hashes[name], "relpath": name} for name in sorted(hashes)]
    for name, value in hashes.items():
        target = cache / value[:2] / value[2:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path("data") / name, target)
    manifest = cache / digest[:2] / digest[2:]
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(str(rows).replace("'", '"'), encoding="utf-8")
    Path("data.dvc").write_text(f"outs:\n- md5: {digest}\n  hash: md5\n  path: data\n", encoding="utf-8")
    if not Path(".git").exists():
        git("init", "-q", ".")
    git("add", "data.dvc")
    git("commit", "-q", "-m", "data")
    return digest


def test_all_findings_of_a_check_are_accepted_with_reason_and_name(project: Path) -> None:
    assert "accepted 2 of `tiny area`" in accept()["summary"]
    assert known() == [
        ("tiny area", "image_000.png", "900", "cut cells", "ada"),
        ("tiny area", "image_001.png", "901", "cut cells", "ada"),
    ]
    assert {a.data_revision for a in baseline.load().accepted} == {integrity.data_digest(Path("data"))}


@pytest.mark.parametrize("narrow", [{"image": "image_001.png"}, {"object_id": "901"}])
def test_an_image_or_an_object_narrows_what_is_accepted(project: Path, narrow: dict[str, str]) -> None:
    accept(**narrow)
    assert [row[:3] for row in known()] == [("tiny area", "image_001.png", "901")]


@pytest.mark.parametrize("reason", ["", "  \n"])
@pytest.mark.parametrize("action", ["accept", "baseline"])
def test_nothing_is_accepted_without_a_reason(project: Path, action: str, reason: str) -> None:
    options = {"check": "tiny area"} if action == "accept" else {}
    with pytest.raises(UsageError, match="a reason"):
        run(action, reason=reason, actor="ada", **options)
    assert not baseline.PATH.exists()


def test_what_is_not_found_is_refused_with_what_there_is(project: Path) -> None:
    with pytest.raises(UsageError, match="tiny area"):
        accept(check="tiny aera")
    with pytest.raises(UsageError, match=r"image image_003\.png"):
        accept(image="image_003.png")
    accept()
    with pytest.raises(UsageError, match="accepted already"):
        accept()


def test_an_error_that_cannot_be_read_is_not_accepted(project: Path) -> None:
    Path("data/images/image_001.png").unlink()
    with pytest.raises(DataInvalidError, match="restore the file"):
        accept(check="file missing")
    with pytest.raises(DataInvalidError, match="file missing"):
        run("baseline", reason="as it is", actor="ada")
    assert not baseline.PATH.exists()


def test_a_baseline_accepts_all_keeps_older_reasons_and_drops_what_is_stale(project: Path) -> None:
    accept(object_id="900")
    accept(object_id="901", reason="seen")
    change(lambda document: document["annotations"].pop())
    change(lambda document: document["annotations"].append(document["annotations"][0] | {"id": 950}))
    found = run("baseline", reason="as delivered", actor="bob")
    assert found["num_stale"] == 1
    assert found["num_accepted"] == found["num_new"] + 1 == len(known())
    entries = [(row[0], row[2], *row[3:]) for row in known()]
    assert ("duplicate object", "950", "as delivered", "bob") in entries
    assert [entry for entry in entries if entry[0] == "tiny area"] == [("tiny area", "900", "cut cells", "ada")]
    made = baseline.load()
    assert made.facts["objects by class"]["n"] == sum(1 for _ in read_labels(Path("data"))["annotations"])
    assert made.facts_revision == found["data_revision"] == integrity.data_digest(Path("data"))


def test_a_git_revision_is_compared_with_the_working_data(project: Path) -> None:
    first = record()

    def edit(document: dict[str, Any]) -> None:
        document["annotations"] = [a for a in document["annotations"] if a["id"] != 900]
        document["annotations"].append(document["annotations"][0] | {"id": 950})

    change(edit)
    Image.new("RGB", (128, 96), (9, 9, 9)).save("data/images/image_003.png")
    found = run("diff", before="HEAD")
    assert found["before"] == {"revision": "HEAD", "digest": first}
    assert found["after"] == {"revision": "workspace", "digest": integrity.data_digest(Path("data"))}
    assert [(f["check"], f["object_id"]) for f in found["findings"]["gone"]] == [("tiny area", 900)]
    assert ("duplicate object", 950) in [(f["check"], f["object_id"]) for f in found["findings"]["new"]]
    assert ("tiny area", 901) in [(f["check"], f["object_id"]) for f in found["findings"]["still"]]
    assert found["images"]["changed"] == ("image_003.png",)
    assert sorted((c["kind"], c["object_id"]) for c in found["objects"]) == [("added", 950), ("removed", 900)]
    assert "  - warning tiny area: image image_000.png, object 900: an area of 2 px" in found["summary"]
    assert list(layout.MAKING.iterdir()) == []


def test_two_recorded_revisions_are_compared_by_digest_and_name_and_the_cache_stays_whole(project: Path) -> None:
    first = record()
    change(lambda document: document["annotations"].pop())
    second = record()
    found = run("diff", before=first, after="HEAD")
    assert (found["before"]["digest"], found["after"]["digest"]) == (first, second)
    assert [(c["kind"], c["object_id"]) for c in found["objects"]] == [("removed", 901)]
    assert run("diff", before=first, after="HEAD~1")["objects"] == []
    files = [path for path in integrity.CACHE.rglob("*") if path.is_file()]
    assert len(files) == 4 + 2 + 2  # images, label files, manifests


@pytest.mark.parametrize("revision", ["nowhere", "HEAD~7", "-q"])
def test_a_revision_that_does_not_exist_is_refused(project: Path, revision: str) -> None:
    record()
    with pytest.raises(UsageError, match="a git revision"):
        run("diff", before=revision)


def test_a_revision_without_data_is_refused(project: Path) -> None:
    git("init", "-q", ".")
    Path("other.txt").write_text("x", encoding="utf-8")
    git("add", "other.txt")
    git("commit", "-q", "-m", "other")
    with pytest.raises(UsageError, match="none in HEAD"):
        run("diff", before="HEAD")


def test_a_digest_of_which_nothing_is_left_says_what_keeps_one(project: Path) -> None:
    record()
    with pytest.raises(IntegrityError, match="dvc push"):
        run("diff", before="0" * 32 + ".dir")


def test_a_corrupt_cache_is_found(project: Path) -> None:
    digest = record()
    value = integrity.file_hashes(Path("data"))["instances.json"]
    Path(integrity.CACHE / value[:2] / value[2:]).write_text("{}", encoding="utf-8")
    with pytest.raises(IntegrityError, match=digest):
        run("diff", before="HEAD")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # in what DVC imports
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_revision_that_the_cache_lacks_comes_from_the_remote(project: Path) -> None:
    git("init", "-q", ".")
    Path(".dvc").mkdir()
    Path(".dvc/config").write_text("[core]\nremote = s\nanalytics = false\n['remote \"s\"']\nurl = ../store\n")
    git("add", ".dvc/config")
    first = record()
    change(lambda document: document["annotations"].pop())
    record()
    shutil.move(integrity.CACHE, "store/files/md5")
    found = run("diff", before="HEAD~1")
    assert found["before"]["digest"] == first
    assert [(c["kind"], c["object_id"]) for c in found["objects"]] == [("removed", 901)]
