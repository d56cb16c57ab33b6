"""Whatever a crash leaves is found, told and repaired; a dry run changes nothing; what is whole is left alone."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segwise import bundle, cli, registry, store
from segwise.repair import dvc_files, finding, locks, processes
from segwise.stages import doctor
from tests.packages import make_package, promote

CACHE = Path(".dvc/cache/files/md5")

LOCK = """schema: '2.0'
stages:
  split:
    cmd: segwise split
    outs:
    - path: work/split.json
      hash: md5
      md5: 0123456789abcdef0123456789abcdef
      size: 3
"""
DATA = "outs:\n- md5: 0123456789abcdef0123456789abcdef.dir\n  size: 3\n  nfiles: 1\n  hash: md5\n  path: data\n"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a champion, one before it, a committed dvc.lock and two objects in the cache."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    promote(tmp_path / "a", "a")
    promote(tmp_path / "b", "b")
    Path("dvc.lock").write_text(LOCK)
    Path("data.dvc").write_text(DATA)
    Path(".dvc/tmp").mkdir(parents=True)
    locks.RWLOCK.write_text("{}")
    for content in (b"one", b'[{"md5": "two"}]'):
        put(content, ".dir" if content.startswith(b"[") else "")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "dvc.lock", "data.dvc"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    return folder


def put(content: bytes, suffix: str = "") -> Path:
    """An object of the cache, read-only as DVC makes them."""
    md5 = hashlib.md5(content).hexdigest()
    path = CACHE / md5[:2] / (md5[2:] + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o444)
    return path


def change(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)


def snapshot() -> dict[str, bytes]:
    files = (path for path in Path().rglob("*") if path.is_file() and ".git" not in path.parts)
    return {str(path): path.read_bytes() for path in files if path != registry.LOCK}


def findings(result: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(found["check"], found["where"], found["is_left"]) for found in result["findings"]]


def repair(check: str, where: Path | str) -> dict[str, Any]:
    """A dry run finds exactly this and changes nothing; a real one repairs it; after that nothing is wrong."""
    before = snapshot()
    dry = doctor.run(dry_run=True)
    assert findings(dry) == [(check, str(where), True)]
    assert (dry["exit_code"], dry["num_left"]) == (5, 1)
    assert dry["findings"][0]["did"].startswith("would ")
    assert snapshot() == before
    done = doctor.run()
    assert findings(done) == [(check, str(where), False)]
    assert (done["exit_code"], done["num_left"]) == (0, 0)
    again = doctor.run()
    assert again["findings"] == []
    return done


def test_a_whole_project_has_nothing_wrong_and_is_not_touched() -> None:
    before = snapshot()
    result = doctor.run()
    assert (result["findings"], result["exit_code"]) == ([], 0)
    assert "nothing is wrong" in result["summary"]
    assert snapshot() == before


def test_an_empty_folder_has_nothing_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert doctor.run()["findings"] == []
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("place", ["store", "champions"])
def test_a_half_written_model_is_removed(place: str) -> None:
    folder = Path(".segwise") / place / ".partial-x"
    (folder / "bento").mkdir(parents=True)
    (folder / "bento/file").write_text("half")
    repair("models", folder)
    assert not folder.exists()


def test_an_unpacked_package_with_compiled_python_in_it_is_unpacked_anew() -> None:
    folder = store.STATE / "champions" / registry.read()[-1].digest
    (folder / "src/__pycache__").mkdir()
    repair("models", folder)
    assert not (folder / "src/__pycache__").exists()


@pytest.mark.parametrize("number", [0, 1])
def test_a_damaged_unpacked_package_is_unpacked_anew(number: int) -> None:
    folder = store.STATE / "champions" / registry.read()[number].digest
    (folder / "src/model/model.onnx").write_text("changed")
    repair("models", folder)
    assert bundle.verify(folder, folder.name)[0] == folder.name
    assert (folder / "src/model/model.onnx").read_text() == "ab"[number]


def test_a_champion_that_is_not_unpacked_is_unpacked() -> None:
    folder = store.STATE / "champions" / registry.read()[-1].digest
    shutil.rmtree(folder)
    repair("models", folder)
    assert (folder / bundle.MANIFEST).is_file()


def test_a_clone_without_a_store_is_told_that_the_champion_is_not_there() -> None:
    for name in ("store", "champions"):
        shutil.rmtree(store.STATE / name)
    result = doctor.run()
    champion = store.STATE / "champions" / registry.read()[-1].digest
    assert findings(result) == [("models", str(champion), True)]
    assert "no such file" in result["summary"]


def test_an_unpacked_package_that_never_was_promoted_and_is_damaged_is_removed() -> None:
    folder = store.STATE / "champions" / ("0" * 64)
    folder.mkdir()
    repair("models", folder)
    assert not folder.exists()


def test_a_damaged_archive_is_copied_anew_if_it_is_the_packaged_one(tmp_path: Path) -> None:
    archive = store.STATE / "store" / f"{registry.read()[-1].bento_sha256}.bento"
    Path("work/package").mkdir(parents=True)
    shutil.copy(archive, "work/package/segwise.bento")
    archive.write_bytes(archive.read_bytes()[:-1])
    repair("models", archive)
    assert archive.read_bytes() == Path("work/package/segwise.bento").read_bytes()


def test_a_damaged_archive_that_never_was_promoted_is_removed(tmp_path: Path) -> None:
    archive, _ = make_package(tmp_path / "c", "c")
    kept = store.STATE / "store" / f"{store.keep(archive)}.bento"
    kept.write_bytes(b"half")
    repair("models", kept)
    assert not kept.exists()


def test_a_damaged_promoted_archive_is_left_and_what_to_do_is_said() -> None:
    event = registry.read()[-1]
    archive = store.STATE / "store" / f"{event.bento_sha256}.bento"
    archive.write_bytes(b"half")
    result = doctor.run()
    assert findings(result) == [("models", str(archive), True)]
    assert result["exit_code"] == 5
    assert "dvc repro package" in result["summary"]
    shutil.rmtree(store.STATE / "champions" / event.digest)
    result = doctor.run()
    assert [left for _, _, left in findings(result)] == [True, True], "the champion cannot be unpacked either"


def test_while_somebody_promotes_the_models_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from segwise.repair import models

    partial = Path(".segwise/store/.partial-x")
    partial.mkdir()
    locked = registry.locked
    monkeypatch.setattr(models.registry, "locked", lambda timeout_s: locked(timeout_s=0.05))
    with locked():
        result = doctor.run()
    assert findings(result) == [("models", str(registry.LOCK), True)]
    assert partial.is_dir()


def test_a_half_written_list_of_dvcs_locks_is_removed() -> None:
    locks.RWLOCK.write_text('{"write": {"/p')
    repair("locks", locks.RWLOCK)
    assert not locks.RWLOCK.exists()


@pytest.mark.parametrize("text", ["[]", '{"write": {"/p": 3}}', '{"write": 3}', "", '{"read": {"/p": [{"cmd": "x"}]}}'])
def test_a_list_of_locks_of_another_form_is_removed(text: str) -> None:
    locks.RWLOCK.write_text(text)
    repair("locks", locks.RWLOCK)
    assert not locks.RWLOCK.exists()


def test_entries_of_ended_processes_and_of_numbers_that_others_have_now_are_removed() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(sleeper) as other, subprocess.Popen([*sleeper, "dvc", "repro"]) as dvc:
        gone, reused, living = ({"pid": p.pid, "cmd": "dvc repro"} for p in (ended, other, dvc))
        entries = {"write": {"/a": gone, "/b": living, "/c": reused}, "read": {"/d": [gone, living], "/e": [reused]}}
        locks.RWLOCK.write_text(json.dumps(entries))
        wait_for(lambda: "dvc" in Path(f"/proc/{dvc.pid}/cmdline").read_text())
        result = doctor.run()
        other.kill()
        dvc.kill()
    assert findings(result) == [("locks", str(locks.RWLOCK), False)]
    assert "4 entries" in result["summary"]
    assert json.loads(locks.RWLOCK.read_text()) == {"write": {"/b": living}, "read": {"/d": [living]}}


def test_an_entry_of_a_program_that_calls_dvc_itself_stays_while_it_runs() -> None:
    code = "import time; print('up', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, "step"], stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == "up\n"
        locks.RWLOCK.write_text(json.dumps({"write": {"/a": {"pid": caller.pid, "cmd": "step"}}}))
        assert doctor.run()["findings"] == []
        caller.kill()


def test_the_list_of_locks_alone_is_looked_at_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    partial = Path(".segwise/store/.partial-x")
    partial.mkdir()
    assert cli.main(["doctor", "--locks"]) == 0
    assert "DVC's list of locks is as it should be" in capsys.readouterr().out
    locks.RWLOCK.write_text("{")
    assert cli.main(["doctor", "--locks"]) == 0
    assert not locks.RWLOCK.exists()
    assert partial.exists()


def test_a_list_of_locks_that_is_just_being_written_is_left_alone() -> None:
    import fcntl

    locks.RWLOCK.write_text("{")
    with locks.RWLOCK_LOCK.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert doctor.run()["findings"] == []
    assert locks.RWLOCK.read_text() == "{"


def test_a_lock_whose_holder_was_killed_is_free_although_its_file_stays() -> None:
    code = f"import filelock, os, signal; filelock.FileLock({str(registry.LOCK)!r}).acquire(); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    assert registry.LOCK.exists()
    assert doctor.run()["findings"] == []
    with registry.locked(timeout_s=0.1):
        assert registry.read()


DAMAGES = {
    "cut off": LOCK[:40].encode(),
    "cut off in a value, still YAML in DVC's form": LOCK[:-12].encode(),
    "empty": b"",
    "no text": b"\xff\xfe\x00",
    "conflict": LOCK.replace("schema", "<<<<<<< HEAD\nschema").encode(),
    "no stages": b"schema: '2.0'\nstages: 3\n",
    "a list": b"- 1\n",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_dvc_lock_is_restored_from_git_and_kept_aside(damage: str) -> None:
    Path("dvc.lock").write_bytes(DAMAGES[damage])
    repair("dvc", "dvc.lock")
    assert Path("dvc.lock").read_text() == LOCK
    (copy,) = finding.ASIDE.iterdir()
    assert copy.read_bytes() == DAMAGES[damage]


def test_a_whole_dvc_lock_that_is_not_committed_is_left_alone() -> None:
    Path("dvc.lock").write_text(LOCK.replace("size: 3", "size: 4"))
    assert doctor.run()["findings"] == []
    assert "size: 4" in Path("dvc.lock").read_text()


def test_a_damaged_data_dvc_is_restored_from_git() -> None:
    Path("data.dvc").write_text(DATA[:9])
    repair("dvc", "data.dvc")
    assert Path("data.dvc").read_text() == DATA


@pytest.mark.parametrize("git", ["without git", "damaged in git too"])
def test_without_a_whole_one_in_git_dvc_lock_is_put_aside_and_data_dvc_is_left(
    git: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("dvc.lock", "data.dvc"):
        Path(name).write_text("{")
    if git == "without git":
        monkeypatch.setenv("PATH", "")
    else:
        commit = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qam", "damaged"]
        subprocess.run(commit, check=True)
    result = doctor.run()
    assert findings(result) == [("dvc", "dvc.lock", False), ("dvc", "data.dvc", True)]
    assert not Path("dvc.lock").exists()
    assert Path("data.dvc").read_text() == "{"
    assert [copy.read_text() for copy in finding.ASIDE.iterdir()] == ["{"]


def test_while_dvc_is_at_work_its_files_are_left_alone() -> None:
    import fcntl

    Path("dvc.lock").write_text("{")
    with dvc_files.DVC_LOCK.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        result = doctor.run()
    assert findings(result) == [("dvc", "dvc.lock", True)]
    assert Path("dvc.lock").read_text() == "{"


@pytest.mark.parametrize(("content", "suffix"), [(b"three", ""), (b"[]", ".dir")])
def test_a_damaged_object_of_the_cache_is_removed_and_the_others_stay(content: bytes, suffix: str) -> None:
    others = set(CACHE.glob("??/*"))
    path = put(content, suffix)
    change(path, content + b"!")
    (path.parent / "note.txt").write_text("no object")
    repair("cache", path)
    assert not path.exists()
    assert others <= set(CACHE.glob("??/*"))
    assert (path.parent / "note.txt").exists()


def test_a_damaged_object_is_kept_aside_as_it_may_be_the_only_copy() -> None:
    path = put(b"never pushed")
    change(path, b"never pushes")
    doctor.run()
    (copy,) = finding.ASIDE.iterdir()
    assert copy.read_bytes() == b"never pushes"
    assert copy.name.startswith(path.parent.name + path.name)


def test_objects_are_looked_at_where_dvc_is_told_to_keep_them(tmp_path: Path) -> None:
    Path(".dvc/config").write_text(f"[cache]\n    dir = {tmp_path / 'shared'}\n")
    md5 = hashlib.md5(b"one").hexdigest()
    path = tmp_path / "shared/files/md5" / md5[:2] / md5[2:]
    path.parent.mkdir(parents=True)
    path.write_bytes(b"two")
    repair("cache", path)


def test_while_dvc_is_at_work_its_objects_are_left_alone() -> None:
    import fcntl

    path = put(b"three")
    change(path, b"three!")
    with dvc_files.DVC_LOCK.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert findings(doctor.run()) == [("cache", str(path), True)]
    assert path.read_bytes() == b"three!"


@pytest.mark.parametrize("folder", ["", "registry", ".segwise", "work/deep/er"])
def test_a_file_whose_writer_was_killed_is_removed(folder: str) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    path = Path(folder) / f".a.json.{ended.pid}.new"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("half")
    repair("leftovers", path)
    assert not path.exists()


def test_a_file_that_may_be_written_now_or_is_named_otherwise_is_left_alone() -> None:
    kept = [Path(f".a.json.{os.getpid()}.new"), Path(".a.json.x.new"), Path("a.json.999999999.new"), Path(".b.new")]
    for path in kept:
        path.write_text("mine")
    assert doctor.run()["findings"] == []
    assert all(path.exists() for path in kept)


def test_a_record_whose_writer_was_killed_is_told_and_hinders_nothing_else() -> None:
    with registry.EVENTS.open("ab") as file:
        file.write(b'{"actor":"ada","at":"2026')
    before, partial = registry.EVENTS.read_bytes(), Path(".segwise/store/.partial-x")
    partial.mkdir()
    result = doctor.run()
    assert findings(result) == [("registry", str(registry.EVENTS), True), ("models", str(partial), False)]
    assert "record 3, which was cut off" in result["summary"]
    assert "the next event removes it" in result["summary"]
    assert registry.EVENTS.read_bytes() == before


def test_while_the_log_is_damaged_nothing_is_removed_as_never_promoted(tmp_path: Path) -> None:
    archive = store.STATE / "store" / f"{registry.read()[1].bento_sha256}.bento"
    folder = store.STATE / "champions" / registry.read()[1].digest
    archive.write_bytes(archive.read_bytes()[:-1])
    (folder / "stranger").write_text("")
    registry.EVENTS.write_bytes(registry.EVENTS.read_bytes().splitlines(keepends=True)[0])
    before = snapshot()
    assert findings(doctor.run()) == [("registry", str(registry.EVENTS), True)]
    assert snapshot() == before


def test_a_damaged_record_is_named_and_never_edited() -> None:
    registry.EVENTS.write_bytes(registry.EVENTS.read_bytes().replace(b"promote a", b"promote c"))
    before = snapshot()
    result = doctor.run()
    assert findings(result) == [("registry", str(registry.EVENTS), True)]
    assert "record 1, which" in result["summary"]
    assert snapshot() == before


def test_a_log_whose_end_was_cut_off_is_told() -> None:
    lines = registry.EVENTS.read_bytes().splitlines(keepends=True)
    registry.EVENTS.write_bytes(lines[0])
    result = doctor.run()
    assert findings(result) == [("registry", str(registry.EVENTS), True)]
    assert "cut off" in result["summary"]


def wait_for(is_so: Any) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def orphan(root: Path) -> Iterator[int]:
    """A stage whose flow was killed: in a session of its own, its parent gone; with a child."""
    (root / "segwise").write_text("sleep 120 &\nsleep 120\n")
    start = "setsid sh ./segwise train dense </dev/null >/dev/null 2>&1 & echo $!"
    pid = int(subprocess.run(["sh", "-c", start], capture_output=True, text=True, check=True).stdout)
    wait_for(lambda: len(children(pid)) == 2)
    yield pid
    if Path(f"/proc/{pid}").exists():
        os.killpg(pid, signal.SIGKILL)


@pytest.fixture
def adopted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever adopts orphans here (a container's own first process) counts as such."""
    monkeypatch.setattr(processes, "ADOPTERS", (*processes.ADOPTERS, adopter()))


def adopter() -> str:
    """The name of the process that takes in orphans here."""
    start = "sleep 5 </dev/null >/dev/null 2>&1 & echo $!"
    done = subprocess.run(["sh", "-c", start], capture_output=True, text=True, check=True)
    import psutil

    child = psutil.Process(int(done.stdout))
    parent = child.parent()
    child.kill()
    assert parent is not None
    return str(parent.name())


def test_an_orphaned_stage_is_told_and_ended_with_its_children_only_when_asked(orphan: int, adopted: None) -> None:
    family = [orphan, *children(orphan)]
    for arguments in ({}, {"dry_run": True}, {"dry_run": True, "kill": True}):
        result = doctor.run(**arguments)
        assert findings(result) == [("processes", f"process {orphan}", True)]
        assert "train dense" in result["summary"]
        assert Path(f"/proc/{orphan}").exists()
    assert findings(doctor.run(kill=True)) == [("processes", f"process {orphan}", False)]
    assert not any(map(is_running, family))
    assert doctor.run(kill=True)["findings"] == []


def test_one_that_does_not_end_when_asked_is_made_to(
    orphan: int, adopted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    monkeypatch.setattr(processes, "GRACE_S", 0.5)
    monkeypatch.setattr(psutil.Process, "terminate", lambda _: None)
    assert findings(doctor.run(kill=True)) == [("processes", f"process {orphan}", False)]
    assert not is_running(orphan)


def test_one_that_cannot_be_ended_is_told(orphan: int, adopted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    def refuse(process: psutil.Process) -> None:
        raise psutil.AccessDenied(process.pid)

    monkeypatch.setattr(processes, "GRACE_S", 0.05)
    for name in ("terminate", "kill"):
        monkeypatch.setattr(psutil.Process, name, refuse)
    result = doctor.run(kill=True)
    assert findings(result) == [("processes", f"process {orphan}", True)]
    assert str(orphan) in result["findings"][0]["did"]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().split(")")[-1].split()[0] != "Z"


def test_an_orphan_of_another_project_is_left_alone(
    orphan: int, adopted: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "project2").mkdir()
    monkeypatch.chdir(tmp_path / "project2")
    assert doctor.run(kill=True)["findings"] == []
    assert is_running(orphan)


def test_a_stage_whose_starter_lives_is_left_alone(root: Path) -> None:
    program = root / "segwise"
    program.write_text("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    command = [sys.executable, str(program), "train", "dense"]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE, text=True) as stage:
        assert stage.stdout is not None
        assert stage.stdout.readline() == "up\n"
        assert doctor.run(kill=True)["findings"] == []
        assert stage.poll() is None
        stage.kill()


@pytest.mark.parametrize(
    ("command", "is_ours"),
    [
        ("python -m segwise.cli train dense", True),
        ("/p/.venv/bin/python /p/.venv/bin/segwise evaluate hybrid", True),
        ("/bin/sh -c segwise|train|dense", True),
        ("python -m dvc --wait-for-lock repro --single-item split", True),
        ("python -m segwise.cli serve --port 3000", False),
        ("python -m dvc status", False),
        ("vim src/segwise/train", False),
        ("python -m bentoml serve", False),
        ("segwise", False),
        ("", False),
    ],
)
def test_only_stages_effects_and_reproductions_are_ours_to_end(command: str, is_ours: bool) -> None:
    words = [word.replace("|", " ") for word in command.split()]
    assert processes.is_ours(words) is is_ours


def test_the_command_ends_with_5_while_something_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor"]) == 0
    partial = Path(".segwise/store/.partial-x")
    partial.mkdir()
    assert cli.main(["doctor", "--dry-run"]) == 5
    assert "1 found; nothing was changed" in capsys.readouterr().out
    assert cli.main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"][0]["where"] == str(partial)
