"""The command line: light to start, clear when something is off, with the exit codes it documents."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

from segwise import cli
from segwise.errors import EXIT_CODES, DataInvalidError, GateRefusedError
from segwise.pipeline import EFFECTS, STAGES
from segwise.verbs import VERBS

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"


def _stage(monkeypatch: pytest.MonkeyPatch, name: str, answer: object) -> None:
    """Put a stage in place whose `run` returns `answer`, or raises it."""

    def run(**_: object) -> object:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    module = types.ModuleType(f"segwise.stages.{name}")
    module.run = run  # type: ignore[attr-defined]  # that is all a stage is
    monkeypatch.setitem(sys.modules, f"segwise.stages.{name}", module)


@pytest.fixture(autouse=True)
def in_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "params.yaml").write_text(PARAMS.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_asking_for_help_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'pandas', 'prefect', 'dvc', 'bentoml', 'great_expectations', 'matplotlib', 'cv2', 'onnxruntime'}"
    code = f"import sys, segwise.cli as c; c.parser().format_help(); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reading_the_parameters_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'pandas', 'prefect', 'dvc', 'bentoml', 'great_expectations', 'matplotlib', 'onnxruntime'}"
    code = f"import sys, segwise.params as p; p.load(); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("verb", [row.name for row in (*STAGES, *EFFECTS)])
def test_the_help_of_every_verb_shows_an_example_and_the_exit_codes(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([verb, "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"example:\n  segwise {verb}" in shown
    assert all(meaning in shown for meaning in EXIT_CODES.values())


def test_every_example_is_a_command_the_parser_takes() -> None:
    import shlex

    parsed = [cli.parser().parse_args(shlex.split(verb.example)[1:]).verb for verb in VERBS.values()]
    assert parsed == list(VERBS)


def test_an_unknown_verb_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["trian"])
    assert ended.value.code == 2


def test_a_mistyped_parameter_is_refused_with_the_one_that_was_meant(
    in_a_repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PARAMS.read_text(encoding="utf-8")
    (in_a_repository / "params.yaml").write_text(text.replace("max_p95_ms:", "max_p59_ms:"), encoding="utf-8")
    assert cli.main(["split"]) == 2
    shown = capsys.readouterr().err
    assert "did you mean `max_p95_ms`?" in shown
    assert "gate.max_p59_ms" in shown


def test_a_mistyped_section_is_refused_with_the_one_that_was_meant(
    in_a_repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PARAMS.read_text(encoding="utf-8")
    (in_a_repository / "params.yaml").write_text(text + "\nvalidat: {}\n", encoding="utf-8")
    assert cli.main(["split"]) == 2
    assert "did you mean `validate`?" in capsys.readouterr().err


def test_a_mistyped_name_of_a_needed_section_is_named_and_its_content_is_not_repeated(
    in_a_repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PARAMS.read_text(encoding="utf-8")
    (in_a_repository / "params.yaml").write_text(text.replace("  dense:", "  dence:"), encoding="utf-8")
    assert cli.main(["split"]) == 2
    shown = capsys.readouterr().err
    assert "`train.dence` in params.yaml" in shown
    assert "did you mean `dense`?" in shown


@pytest.mark.parametrize(
    ("text", "says"),
    [("a: [1", "to be YAML"), ("- 1", "a list"), ("", "a NoneType"), (None, "no such file")],
)
def test_unreadable_parameters_are_a_usage_error(
    text: str | None, says: str, in_a_repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = in_a_repository / "params.yaml"
    path.unlink() if text is None else path.write_text(text)
    assert cli.main(["split"]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (DataInvalidError("a PNG", "half of one in a.png", "copy it again"), 4, "half of one in a.png"),
        (GateRefusedError("a winner", "none", "train longer"), 3, "train longer"),
        (OSError(errno.ENOSPC, "No space left on device", "work/x"), 1, "free some disk space"),
        (OSError(errno.EROFS, "Read-only file system", "work/x"), 1, "read-only"),
        (PermissionError(errno.EACCES, "Permission denied", "work/x"), 1, "work/x"),
        (FileNotFoundError(errno.ENOENT, "No such file", "work/split.json"), 1, "dvc repro"),
        (
            RuntimeError("unsupported accelerator"),
            1,
            "RuntimeError: unsupported accelerator, please report, rerun with",
        ),
        (RuntimeError("[enforce fail] . PytorchStreamWriter failed writing file data/3"), 1, "free some disk space"),
        (OSError(errno.EADDRINUSE, "Address already in use"), 6, "in use"),
    ],
)
def test_a_failure_is_told_in_one_message_recorded_and_ends_with_its_code(
    error: BaseException, code: int, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _stage(monkeypatch, "split", error)
    assert cli.main(["split"]) == code
    shown = capsys.readouterr().err
    assert says in shown
    assert "Traceback" not in shown
    recorded = json.loads(Path(".segwise/last_error.json").read_text(encoding="utf-8"))
    assert (recorded["verb"], recorded["exit_code"]) == ("split", code)
    assert says in recorded["message"]


def test_the_traceback_of_an_unforeseen_error_is_there_for_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGWISE_TRACEBACK", "1")
    _stage(monkeypatch, "split", RuntimeError("unsupported accelerator"))
    with pytest.raises(RuntimeError, match="unsupported accelerator"):
        cli.main(["split"])


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    _stage(monkeypatch, "split", KeyboardInterrupt())
    assert cli.main(["split"]) == 130


def test_a_result_is_a_line_for_people_and_json_for_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _stage(monkeypatch, "split", {"summary": "96 train, 23 val", "num_groups": 3})
    assert cli.main(["split"]) == 0
    assert capsys.readouterr().out == "96 train, 23 val\n"
    assert cli.main(["split", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["num_groups"] == 3


def test_effects_on_what_is_built_need_no_parameters(
    in_a_repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (in_a_repository / "params.yaml").unlink()
    _stage(monkeypatch, "history", {"summary": "nothing was promoted yet"})
    assert cli.main(["history"]) == 0
    assert "nothing was promoted" in capsys.readouterr().out
