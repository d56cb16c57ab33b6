"""Archives by their bytes, packages by their digest, whole or not at all."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

import pytest

from segwise import bundle, registry, store
from segwise.errors import IntegrityError, SegwiseError
from segwise.registry import head
from segwise.spec import sha256_of
from tests.packages import make_package, promote


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


def test_an_archive_is_kept_once_under_its_bytes_and_put_right_where_it_was_damaged(root: Path) -> None:
    archive, _ = make_package(root / "a", "a")
    sha256 = store.keep(archive)
    kept = Path(f".segwise/store/{sha256}.bento")
    assert sha256 == sha256_of(archive) == sha256_of(kept)
    before = kept.stat().st_ino
    assert store.keep(archive) == sha256
    assert kept.stat().st_ino == before, "not copied again"
    kept.write_bytes(b"half")
    assert store.keep(archive) == sha256
    assert sha256_of(kept) == sha256
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_an_archive_is_synced_before_it_gets_its_name_and_then_its_folder(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, _ = make_package(root / "a", "a")
    synced, fsync = [], os.fsync

    def told(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        fsync(handle)

    monkeypatch.setattr(store.os, "fsync", told)
    sha256 = store.keep(archive)
    assert synced == ["archive", "store"]
    _, folder, _ = store.unpack(sha256)
    assert sorted(synced[2:-1]) == sorted(path.name for path in folder.rglob("*")), (
        "every file, before it is in its place"
    )
    assert synced[-1] == "champions"


def test_an_archive_that_changes_while_it_is_copied_is_not_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, _ = make_package(root / "a", "a")
    monkeypatch.setattr(store.shutil, "copyfile", lambda _, to: to.write_bytes(b"other"))
    with pytest.raises(IntegrityError, match="while it is copied"):
        store.keep(archive)
    assert list(Path(".segwise/store").iterdir()) == []


def test_what_is_unpacked_is_whole_verified_and_under_its_digest(root: Path) -> None:
    archive, digest = make_package(root / "a", "a")
    found, folder, manifest = store.unpack(store.keep(archive))
    assert (found, folder) == (digest, Path(".segwise/champions") / digest)
    assert manifest["winner"] == "hybrid"
    assert bundle.verify(folder, digest) == (digest, manifest)
    assert store.unpacked() == [digest]
    (folder / "stranger").write_text("added later")
    store.unpack(sha256_of(archive), digest)
    assert not (folder / "stranger").exists(), "replaced as a whole"
    assert [path.name for path in folder.parent.iterdir()] == [digest]


def test_another_package_than_the_one_asked_for_is_not_unpacked(root: Path) -> None:
    archive, _ = make_package(root / "a", "a")
    with pytest.raises(IntegrityError, match="a package with the digest ffff"):
        store.unpack(store.keep(archive), "f" * 64)
    assert store.unpacked() == []


def test_an_archive_that_is_none_is_told_as_such(root: Path) -> None:
    for text in (b"", b"no archive", b"\xfd7zXZ\x00 cut off"):
        (root / "x.bento").write_bytes(text)
        with pytest.raises(IntegrityError, match="a readable archive"):
            store.unpack(store.keep(root / "x.bento"))
    with pytest.raises(IntegrityError, match="no such file"):
        store.unpack("0" * 64)
    assert store.unpacked() == []


def test_an_archive_that_writes_outside_its_folder_is_refused(root: Path) -> None:
    (root / "evil").write_text("x")
    with tarfile.open(root / "evil.bento", "w:xz") as tar:
        tar.add(root / "evil", "../../evil")
    with pytest.raises(IntegrityError, match="a readable archive"):
        store.unpack(store.keep(root / "evil.bento"))
    assert not list(Path(".segwise").rglob("evil"))


def test_the_state_of_each_archive_is_told_once(root: Path) -> None:
    whole, damaged = (store.keep(make_package(root / name, name)[0]) for name in "ab")
    Path(f".segwise/store/{damaged}.bento").write_bytes(b"half")
    assert store.archives([whole, damaged, "0" * 64, whole]) == {
        whole: "whole", damaged: "damaged", "0" * 64: "absent",
    }  # fmt: skip


def test_the_champion_is_the_promoted_folder_unpacked_again_where_it_was_damaged(root: Path) -> None:
    with pytest.raises(SegwiseError, match="nothing was promoted yet"):
        store.champion()
    assert store.unpacked() == []
    event = promote(root / "a", "a")
    folder, made_by = store.champion()
    assert (folder, made_by) == (Path(".segwise/champions") / event.digest, event)
    assert store.champion_model() == folder / "src/model"
    shutil.rmtree(folder)
    assert store.champion()[0] == folder
    assert (folder / bundle.MANIFEST).is_file()


def test_the_champion_needs_no_lock_while_its_files_are_whole(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    event = promote(root / "a", "a")
    with registry.locked():
        monkeypatch.setattr(registry, "locked", None)  # to be called would be an error
        assert store.champion()[1] == event


def test_who_asks_for_the_champion_of_a_log_that_was_cut_is_warned(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = promote(root / "a", "a"), promote(root / "b", "b")
    assert store.champion()[1] == second
    whole = registry.EVENTS.read_bytes()
    registry.EVENTS.write_bytes(whole.splitlines(keepends=True)[0])
    monkeypatch.setattr(head, "read", lambda: (first, second))  # written since: nothing is lost
    assert store.champion()[1] == first
    assert "lacks records" not in caplog.text
    monkeypatch.undo()
    monkeypatch.chdir(root / "project")
    assert store.champion()[1] == first
    assert "the registry lacks records that this machine has seen" in caplog.text


FILES = {"missing": Path.unlink, "other bytes": lambda path: path.write_text("x")}


@pytest.mark.parametrize("what", FILES)
def test_a_file_that_is_not_as_the_manifest_says_is_named(root: Path, what: str) -> None:
    make_package(root / "a", "a")
    FILES[what](root / "a/src/model/model.onnx")  # type: ignore[operator]  # either takes the path
    with pytest.raises(IntegrityError, match=rf"src/model/model\.onnx: {what}"):
        bundle.verify(root / "a")
    assert bundle.verify(root / "a", under="src/segwise/")[0], "another part is whole"


def test_a_file_that_the_manifest_does_not_name_is_named(root: Path) -> None:
    _, digest = make_package(root / "a", "a")
    (root / "a/src/extra.py").write_text("")
    with pytest.raises(IntegrityError, match=r"src/extra\.py: not in the manifest"):
        bundle.verify(root / "a", digest)
    (root / "a/src/extra.py").unlink()
    (root / "a/src/__pycache__").mkdir()
    (root / "a/src/__pycache__/extra.pyc").write_text("compiled")
    assert bundle.verify(root / "a", digest)[0] == digest


@pytest.mark.parametrize("target", ["elsewhere", "nothing", "a/src/model/model.onnx"])
def test_a_link_in_a_package_is_refused_wherever_it_leads(root: Path, target: str) -> None:
    make_package(root / "a", "a")
    (root / "elsewhere").mkdir()
    (root / "elsewhere/cv2.py").write_text("")
    (root / "a/src/cv2").symlink_to(root / target)
    with pytest.raises(IntegrityError, match=r"src/cv2: (a link|not in the manifest)"):
        bundle.verify(root / "a")
    assert bundle.verify(root / "a", under="src/model/")[0], "another part has none"


def test_a_listed_file_that_became_a_link_to_the_same_bytes_is_refused(root: Path) -> None:
    make_package(root / "a", "a")
    file = root / "a/src/model/model.onnx"
    file.rename(root / "elsewhere")
    file.symlink_to(root / "elsewhere")
    with pytest.raises(IntegrityError, match=r"src/model/model\.onnx: a link"):
        bundle.verify(root / "a")


def test_compiled_python_beside_the_champions_code_is_never_run(root: Path) -> None:
    """Python runs it instead of a source of the same size and time, whatever that source says."""
    event = promote(root / "a", "a")
    planted = store.champion()[0] / "src/segwise/__pycache__"
    planted.mkdir(parents=True)
    (planted / "app.cpython-311.pyc").write_bytes(b"other code")
    with pytest.raises(IntegrityError, match=r"src/segwise/__pycache__: compiled Python"):
        bundle.verify(store.STATE / "champions" / event.digest, event.digest, is_sealed=True)
    assert not (store.champion()[0] / "src/segwise").exists(), "unpacked anew"


def test_an_archive_that_brings_compiled_python_is_neither_unpacked_nor_opened(root: Path) -> None:
    _, digest = make_package(root / "a", "a")
    (root / "a/src/__pycache__").mkdir()
    with tarfile.open(root / "a.bento", "w:xz") as tar:
        tar.add(root / "a", ".")
    sha256 = store.keep(root / "a.bento")
    with pytest.raises(IntegrityError, match="compiled Python"):
        store.unpack(sha256, digest)
    with pytest.raises(IntegrityError, match="compiled Python"), store.opened(sha256, digest):
        pass
    assert store.unpacked() == []


def test_an_archive_is_opened_under_its_digest_and_gone_afterwards(root: Path) -> None:
    archive, digest = make_package(root / "a", "a")
    with store.opened(store.keep(archive), digest) as folder:
        assert folder.name == digest
        assert [path.name for path in folder.parent.iterdir()] == [digest], "nothing else beside it"
        assert bundle.verify(folder, digest)[0] == digest
    assert not folder.exists()


def test_a_signature_is_kept_under_its_bytes_and_told_with_its_key(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.signing, "read", lambda signature: (f"key of {signature.decode()}", set()))
    told = store.keep_signature(b"abc")
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of "abc": FIPS 180-2
    assert told == {"sha256": sha256, "key_sha256": "key of abc"}
    (kept,) = (store.STATE / "store").iterdir()
    assert (kept.name, kept.read_bytes()) == (f"{sha256}.sig", b"abc")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"files": []}', "{}"])
def test_a_manifest_that_is_none_is_told_as_such(root: Path, text: str) -> None:
    make_package(root / "a", "a")
    (root / "a" / bundle.MANIFEST).write_text(text)
    with pytest.raises(IntegrityError, match=r"the manifest .*manifest\.json"):
        bundle.read_manifest(root / "a")


def test_the_manifest_names_sha256_and_size_of_each_file_and_its_hash_is_the_digest(root: Path) -> None:
    _, digest = make_package(root / "a", "abc")
    manifest = bundle.read_manifest(root / "a")
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of "abc": FIPS 180-2
    assert manifest == {"winner": "hybrid", "files": {"src/model/model.onnx": {"sha256": sha256, "bytes": 3}}}
    assert digest == sha256_of(root / "a" / bundle.MANIFEST)
