"""A past run, run again: identical, within noise or different, and the planted reason is named."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from segwise.dataset.integrity import data_digest
from segwise.errors import BusyError, IntegrityError, UsageError
from segwise.proof import checkout
from segwise.proof.installed import cpu_name, versions
from segwise.stages import verify_repro

TRAIN = "python src/train.py"
TRAIN_PY = """
import json, os, pathlib, random, yaml
params = yaml.safe_load(open("params.yaml"))["train"]["dense"]
noise = random.Random(params["seed"]).uniform(-0.01, 0.01)
text = pathlib.Path("data/a.txt").read_text() + str(params["steps"]) + os.environ.get("PLANTED", "")
pathlib.Path("work/train").mkdir(parents=True, exist_ok=True)
with open("work/train/weights.txt", "x") as file:  # refuses what an earlier run left
    file.write(text + repr(noise))
"""
EVALUATE_PY = """
import json, os, pathlib, time
weights = pathlib.Path("work/train/weights.txt").read_text()
noise = float(weights[weights.index("|") + 1:].replace("9.5", "").split(";")[-1])
pathlib.Path("work/evaluate/dense").mkdir(parents=True, exist_ok=True)
figures = {"f1": 0.8 + noise + float(os.environ.get("GAIN", "0")), "num_images": 3}
pathlib.Path("work/evaluate/dense/metrics.json").write_text(json.dumps(figures))
pathlib.Path("work/benchmark.json").write_text(json.dumps({"cpu": "HERE", "ms": time.time()}))
"""


class Project:
    """A miniature DVC project of two stages, with its lock as a run leaves it; no DVC is needed to make it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def make(self) -> None:
        self.git("init", "-q")
        self.write(".gitignore", "/work/\n/data\n/.segwise/\n/.dvc/cache/\n")
        self.write(".dvc/config", "[core]\n    analytics = false\n")
        self.write("src/train.py", TRAIN_PY.replace("+ repr(noise)", "+ '|;' + repr(noise)"))
        self.write("src/evaluate.py", EVALUATE_PY.replace("HERE", cpu_name()))
        self.write("params.yaml", "train: {dense: {seed: 0, steps: 5}}\n")
        self.write("requirements.lock", f"numpy=={versions()['numpy']} \\\n    --hash=sha256:00\n")
        outs = [{"work/evaluate/dense/metrics.json": None}, {"work/benchmark.json": {"cache": False}}]
        train = {"foreach": ["dense"], "do": {"cmd": "x"}}
        self.write("dvc.yaml", yaml.safe_dump({"stages": {"train": train, "evaluate": {"cmd": "x", "metrics": outs}}}))
        self.write("data/a.txt", "one")
        self.add_data()
        self.run()
        self.commit("a run")

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def git(self, *words: str) -> None:
        who = {f"GIT_{role}_{key}": "a@b" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        subprocess.run(["git", *words], cwd=self.root, check=True, env={**os.environ, **who})

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def keep(self, path: Path, md5: str) -> None:
        target = checkout.cached(self.root / ".dvc/cache/files/md5", md5)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)

    def add_data(self) -> None:
        digest = data_digest(self.root / "data")
        rows = []
        for path in sorted((self.root / "data").iterdir()):
            md5 = hashlib.md5(path.read_bytes()).hexdigest()
            rows.append({"md5": md5, "relpath": path.name})
            self.keep(path, md5)
        manifest = self.root / ".dvc/cache/manifest"
        manifest.write_text(json.dumps(rows, sort_keys=True))
        self.keep(manifest, digest)
        self.write("data.dvc", yaml.safe_dump({"outs": [{"md5": digest, "path": "data"}]}))

    def run(self) -> None:
        (self.root / "work/train/weights.txt").unlink(missing_ok=True)
        for name in ("train", "evaluate"):
            subprocess.run([sys.executable, f"src/{name}.py"], cwd=self.root, check=True)
        self.lock()

    def lock(self, cpu: str = "") -> None:
        """Write dvc.lock and the cache as `dvc repro` would."""
        if cpu:
            self.write("work/benchmark.json", json.dumps({"cpu": cpu}))
        train = self.stage(TRAIN, ["data", "src/train.py"], ["work/train/weights.txt"])
        train["params"] = {"params.yaml": {"train.dense": {"seed": 0, "steps": 5}}}
        outs = ["work/evaluate/dense/metrics.json", "work/benchmark.json"]
        evaluate = self.stage("python src/evaluate.py", ["work/train/weights.txt", "src/evaluate.py"], outs)
        stages = {"evaluate": evaluate, "train@dense": train}
        self.write("dvc.lock", yaml.safe_dump({"schema": "2.0", "stages": stages}))

    def stage(self, command: str, deps: list[str], outs: list[str]) -> dict[str, Any]:
        for path in outs:
            if "benchmark" not in path:
                self.keep(self.root / path, str(checkout.md5_of(self.root / path)))
        entries = {"deps": deps, "outs": outs}
        return {"cmd": command} | {
            key: [{"path": p, "hash": "md5", "md5": checkout.md5_of(self.root / p)} for p in paths]
            for key, paths in entries.items()
        }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    Project(root).make()
    return root


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    root = tmp_path / "project"
    shutil.copytree(made, root)
    monkeypatch.chdir(root)
    return Project(root)


def report() -> dict[str, Any]:
    return dict(json.loads(Path("work/repro/report.json").read_text(encoding="utf-8")))


def different(**asked: Any) -> dict[str, Any]:
    """Run it, expect a difference, and return the report."""
    found = verify_repro.run(**asked)
    assert (found["verdict"], found["exit_code"]) == ("different", 5)
    assert report() == {key: value for key, value in found.items() if key not in ("exit_code", "summary")}
    return found


def states(found: Mapping[str, Any]) -> dict[str, str]:
    return {output["path"]: output["state"] for output in found["outputs"]}


def causes(found: Mapping[str, Any]) -> dict[str, list[str]]:
    return {kind: [c["what"] for c in own] for kind, own in found["causes"].items() if own}


def test_an_identical_rerun_is_bit_identical_and_times_are_not_compared(project: Project) -> None:
    found = verify_repro.run()
    assert (found["verdict"], found["exit_code"]) == ("identical", 0)
    assert states(found) == {
        "work/train/weights.txt": "identical",
        "work/evaluate/dense/metrics.json": "identical",
        "work/benchmark.json": "measurement",
    }
    assert "bit-identical" in found["summary"]
    assert Path("work/repro/summary.txt").read_text(encoding="utf-8") in found["summary"]


def test_a_stage_that_dvc_keeps_in_its_lock_and_that_dvc_yaml_has_no_more_is_not_run(project: Project) -> None:
    lock = yaml.safe_load(Path("dvc.lock").read_text(encoding="utf-8"))
    gone = {"cmd": "exit 3", "outs": [{"path": "work/gone", "md5": "0"}]}
    lock["stages"] |= {"export@dense": gone, "train@other": gone}
    project.write("dvc.lock", yaml.safe_dump(lock))
    project.commit("renamed a stage")
    found = verify_repro.run()
    assert (found["verdict"], found["left_out"]) == ("identical", [])
    assert "work/gone" not in states(found)


def test_what_lies_uncommitted_in_the_working_tree_changes_nothing(project: Project) -> None:
    project.write("src/train.py", "raise SystemExit(3)")
    project.write("data/a.txt", "two")
    assert verify_repro.run()["verdict"] == "identical"


def test_a_revision_of_the_past_is_the_one_that_is_run(project: Project) -> None:
    project.write("src/train.py", "raise SystemExit(3)")
    project.commit("broken")
    assert verify_repro.run("HEAD~1")["verdict"] == "identical"
    found = different(revision="HEAD")
    assert "ended with 3" in found["stages"][0]["failure"]
    assert states(found)["work/evaluate/dense/metrics.json"] == "not run"


def test_changed_data_is_named(project: Project) -> None:
    project.write("data/a.txt", "two")
    project.add_data()
    project.commit("data without a run")
    found = different()
    assert causes(found) == {"data": ["data"]}
    assert states(found)["work/train/weights.txt"] == "different"


def test_changed_code_is_named_by_its_file(project: Project) -> None:
    text = Path("src/train.py").read_text(encoding="utf-8")
    project.write("src/train.py", text.replace('str(params["steps"])', 'str(params["steps"] + 1)'))
    project.commit("code without a run")
    assert causes(different()) == {"code": ["src/train.py"]}


def test_changed_parameters_are_named_by_their_keys_with_both_values(project: Project) -> None:
    project.write("params.yaml", "train: {dense: {seed: 0, steps: 6, lr: 0.1}}\n")
    project.commit("parameters without a run")
    found = different()
    assert causes(found) == {"params": ["train.dense.lr", "train.dense.steps"]}
    assert ("5", "6") in [(c["recorded"], c["here"]) for c in found["causes"]["params"]]


def test_another_environment_is_named_by_its_package(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("requirements.lock", "numpy==0.0.1 \\\n    --hash=sha256:00\nnot-installed==1.0\n")
    project.commit("another lock")
    monkeypatch.setenv("PLANTED", "other numbers")
    found = different()
    assert causes(found) == {"environment": ["numpy"]}
    assert found["environment"]["not_installed"] == ["not-installed"]
    assert f"numpy: 0.0.1 → {versions()['numpy']}" in Path("work/repro/summary.txt").read_text(encoding="utf-8")


def test_another_machine_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.lock(cpu="Another CPU @ 9 GHz")
    project.commit("run elsewhere")
    monkeypatch.setenv("PLANTED", "other numbers")
    found = different()
    assert causes(found) == {"hardware": ["CPU"]}
    assert found["hardware"] == {"recorded": "Another CPU @ 9 GHz", "here": cpu_name()}


def test_without_any_cause_the_stage_is_said_not_to_repeat_itself(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED", "other numbers")
    assert causes(different()) == {}
    assert "does not give the same bytes twice" in Path("work/repro/summary.txt").read_text(encoding="utf-8")


def test_only_the_stages_asked_for_are_run_on_what_was_recorded(project: Project) -> None:
    project.write("src/train.py", "raise SystemExit(3)")
    project.commit("broken")
    assert set(states(verify_repro.run(start="evaluate"))) == {
        "work/evaluate/dense/metrics.json",
        "work/benchmark.json",
    }
    assert len(verify_repro.run("HEAD~1", stages=["train"])["outputs"]) == 1


def test_a_difference_within_the_noise_of_seeds_is_told_from_one_beyond_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAIN", "0.004")
    assert "seed noise not measured" in different()["noise"]
    found = verify_repro.run(seeds=3)
    assert (found["verdict"], found["exit_code"]) == ("within noise", 0)
    stored = json.loads(Path("work/repro/noise.json").read_text(encoding="utf-8"))
    assert list(stored["seeds"]) == ["1", "2", "3"]
    assert stored["cpu"] == cpu_name()
    monkeypatch.setenv("GAIN", "0.4")
    found = different()  # what was measured is still of this run
    [figure] = found["figures"]
    assert (figure["name"], figure["is_within"]) == ("f1", False)
    assert states(found)["work/train/weights.txt"] == "identical"


def test_the_figures_told_are_the_repetitions_and_not_those_of_the_last_seed_that_was_trained(project: Project) -> None:
    found = verify_repro.run(seeds=2)
    assert found["verdict"] == "identical"
    [figure] = found["figures"]
    assert (figure["here"], figure["is_equal"]) == (figure["recorded"], True)


def test_a_training_with_another_seed_that_fails_is_told_and_the_report_is_written(project: Project) -> None:
    text = Path("src/train.py").read_text(encoding="utf-8")
    project.write("src/train.py", text.replace("noise =", 'assert params["seed"] < 2\nnoise ='))
    project.run()
    project.commit("fails with seed 2")
    with pytest.raises(IntegrityError, match="train@dense to run with other seeds"):
        verify_repro.run(seeds=3)
    assert report()["verdict"] == "identical"
    assert list(json.loads(Path("work/repro/noise.json").read_text(encoding="utf-8"))["seeds"]) == ["1"]
    assert "train: {dense: {seed: 0" in Path("params.yaml").read_text(encoding="utf-8")


def test_stages_that_were_not_asked_for_are_told(project: Project) -> None:
    found = verify_repro.run(stages=["train"])
    assert (found["verdict"], found["left_out"]) == ("identical", ["evaluate"])
    assert "1 of 2 stages were not asked for: evaluate" in found["summary"]
    assert verify_repro.run()["left_out"] == []
    assert found["dvc_lock_sha256"] == hashlib.sha256(Path("dvc.lock").read_bytes()).hexdigest()


def test_noise_of_another_basis_is_not_used(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    verify_repro.run(seeds=2)
    text = Path("src/evaluate.py").read_text(encoding="utf-8")
    project.write("src/evaluate.py", text + "# other code\n")
    project.run()
    project.commit("other code")
    assert "not measured" in verify_repro.run()["noise"]


def is_alive(process: int) -> bool:
    """Whether a process still runs: of one that ended, and that nobody waited for, the command line is empty."""
    try:
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except OSError:
        return False


def test_a_command_runs_with_the_code_of_the_checkout_and_tells_how_it_failed(tmp_path: Path) -> None:
    lines: list[str] = []
    command = "python -c 'import os; print(os.environ[\"PYTHONPATH\"], flush=True); raise SystemExit(4)'"
    assert checkout.run(command, tmp_path, lines.append) == f"`{command}` ended with 4: {tmp_path / 'src'}"
    assert lines == [str(tmp_path / "src")]
    assert checkout.run("true", tmp_path, lines.append) == ""


def test_a_killed_run_leaves_nothing_that_the_next_one_trips_over(project: Project) -> None:
    project.write("src/train.py", TRAIN_PY + "\nimport time; print('at work', flush=True); time.sleep(600)")
    project.commit("slow")
    code = "from segwise.stages import verify_repro; verify_repro.run()"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "at work" not in process.stderr.readline():
        assert process.poll() is None
    with pytest.raises(BusyError):
        verify_repro.run()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    [left] = [path for path in checkout.STATE.iterdir() if path.is_dir()]
    working = checkout._started_for(left.resolve())
    assert working
    with subprocess.Popen(["sleep", "600"], cwd=left) as looking:  # as a shell that somebody opened there
        assert verify_repro.run("HEAD~1")["verdict"] == "identical"
        assert looking.poll() is None, "not ours to end"
        looking.kill()
    assert [path for path in checkout.STATE.iterdir() if path.is_dir()] == []
    deadline = time.monotonic() + 10
    while any(map(is_alive, working)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_alive, working))
    git = subprocess.run(["git", "worktree", "list"], capture_output=True, text=True, check=True).stdout
    assert len(git.splitlines()) == 1


def test_a_corrupt_or_missing_object_of_the_cache_is_refused_before_anything_runs(project: Project) -> None:
    path = checkout.cached(Path(".dvc/cache/files/md5"), hashlib.md5(b"one").hexdigest())
    path.write_text("not one")
    with pytest.raises(IntegrityError, match="other bytes"):
        verify_repro.run()
    path.unlink()
    with pytest.raises(IntegrityError, match="dvc pull data"):
        verify_repro.run()


def test_the_cache_and_the_recorded_files_are_left_as_they_are(project: Project) -> None:
    def cache() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in Path(".dvc/cache").rglob("*") if p.is_file()}

    before, lock = cache(), Path("dvc.lock").read_bytes()
    project.write("src/train.py", Path("src/train.py").read_text(encoding="utf-8").replace("'|;'", "'+|;'"))
    project.commit("code without a run")
    different()
    assert cache() == before
    assert Path("dvc.lock").read_bytes() == lock


@pytest.mark.parametrize(
    ("asked", "says"),
    [({"revision": "nothing"}, "nothing"), ({"stages": ["trian"]}, "trian"), ({"seeds": 1}, "no spread")],
)
def test_what_cannot_be_done_is_said_in_one_message(project: Project, asked: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        verify_repro.run(**asked)
    assert not Path("work/repro").exists()


def test_what_cannot_be_run_is_neither_called_different_nor_the_same(project: Project) -> None:
    for path in Path(".dvc/cache/files/md5").rglob("*"):
        if path.is_file() and b"|;" in path.read_bytes():
            path.unlink()
    project.write("work/train/weights.txt", "of another run")
    found = verify_repro.run(start="evaluate")
    assert "work/train/weights.txt is neither written" in found["summary"]
    assert (found["verdict"], found["exit_code"]) == ("incomplete", 1)
