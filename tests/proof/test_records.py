"""A run's files are found in the tree, or under what its commit's dvc.lock names, and never those of another run."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from segwise.dataset.integrity import data_digest
from segwise.proof import checkout, records
from segwise.repair.cache import cache_dir
from segwise.spec import sha256_of

METRICS = "work/evaluate/a/metrics.json"


def git(*words: str) -> str:
    who = {f"GIT_{role}_{key}": "a@b" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    done = subprocess.run(["git", *words], check=True, capture_output=True, text=True, env={**os.environ, **who})
    return done.stdout.strip()


def write(path: str | Path, text: str) -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
    return Path(path)


def keep(text: str) -> str:
    md5 = hashlib.md5(text.encode()).hexdigest()
    write(checkout.cached(Path(".dvc/cache/files/md5"), md5), text)
    return md5


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A commit whose lock names a package and metrics, all in the cache; returns it and the package's digest."""
    monkeypatch.chdir(tmp_path)
    manifest = write(records.MANIFEST, '{"winner": "a"}\n')
    digest, folder = sha256_of(manifest), data_digest(manifest.parent)
    rows = [{"md5": keep(manifest.read_text()), "relpath": "manifest.json"}]
    write(checkout.cached(Path(".dvc/cache/files/md5"), folder), json.dumps(rows, sort_keys=True))
    outs = [{"path": "work/package", "md5": folder}, {"path": METRICS, "md5": keep('{"f1": 0.5}')}]
    outs += [
        {"path": "work/lost.json", "md5": "0" * 32},
        {"path": "work/times.json", "md5": hashlib.md5(b"7").hexdigest()},
    ]
    write("dvc.lock", yaml.safe_dump({"stages": {"all": {"cmd": "x", "outs": outs}}}))
    write("params.yaml", "then: 1\n")
    git("init", "-q")
    git("add", "dvc.lock", "params.yaml")
    git("commit", "-q", "-m", "run")
    write(METRICS, '{"f1": 0.9}')
    return git("rev-parse", "HEAD"), digest


def test_the_package_in_the_tree_has_its_files_in_the_tree(recorded: tuple[str, str]) -> None:
    found = records.of_package(Path(), *recorded)
    assert found is not None
    assert found.json(METRICS) == {"f1": 0.9}


def test_a_package_that_the_tree_no_longer_holds_has_the_files_its_commit_recorded(recorded: tuple[str, str]) -> None:
    write(records.MANIFEST, '{"winner": "b"}\n')
    write("params.yaml", "now: 2\n")
    write("work/times.json", "7")
    found = records.of_package(Path(), *recorded)
    assert found is not None
    assert found.json(METRICS) == {"f1": 0.5}
    assert found.source("params.yaml") == b"then: 1\n"
    assert found.json("work/times.json") == 7  # not in the cache, and the tree still has those bytes
    write("work/times.json", "8")
    assert found.json("work/times.json") == found.json("work/lost.json") == {}
    reason = f"not in the cache of {recorded[0][:12]}"
    assert found.missing == {"work/times.json": reason, "work/lost.json": reason}


def test_files_of_another_package_are_nobodys(recorded: tuple[str, str]) -> None:
    assert records.of_package(Path(), recorded[0], "0" * 64) is None
    write(records.MANIFEST, '{"winner": "b"}\n')
    assert records.of_package(Path(), "", recorded[1]) is None


def test_the_cache_is_where_dvc_is_told_that_it_is(tmp_path: Path) -> None:
    assert cache_dir(tmp_path) == tmp_path / ".dvc/cache/files/md5"
    write(tmp_path / ".dvc/config", "[cache]\n    dir = ../../shared\n")
    assert cache_dir(tmp_path) == tmp_path.parent / "shared/files/md5"
    write(tmp_path / ".dvc/config.local", "['remote \"x\"']\n    url = a\n[cache]\n    dir = /elsewhere\n")
    assert cache_dir(tmp_path) == Path("/elsewhere/files/md5")
