"""dvc.yaml = pipeline.py = params.yaml = the import graph: what a stage is, is said once and held here."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml

from segwise.pipeline import EFFECTS, STAGES, Row

ROOT = Path(__file__).resolve().parents[1]

# Not listed as code a stage depends on, with the reason.
EXEMPT = {
    "segwise": "a docstring",
    "segwise.config": "checks values, holds none",
    "segwise.errors": "words of failures, which leave no outputs",
}
# A network or approach depends on its own modules, not on its siblings', although one table imports them all.
SIBLINGS = {
    "train@dense": ("segwise.models.dense", ("segwise.models.instance",)),
    "train@instance": (
        "segwise.models.instance",
        ("segwise.models.dense", "segwise.models.semantic", "segwise.models.hybrid"),
    ),
}
for _verb in ("convert", "calibrate"):
    _home = "segwise.models" if _verb == "convert" else "segwise.predict"
    for _name in ("semantic", "hybrid", "instance"):
        _others = tuple(f"{_home}.{other}" for other in ("semantic", "hybrid", "instance") if other != _name)
        _others += ("segwise.predict.cascade",) if _verb == "calibrate" else ()  # Predictor.load knows cascades
        if _verb == "convert" and _name == "instance":
            _others += ("segwise.models.dense",)
        SIBLINGS[f"{_verb}@{_name}"] = (f"{_home}.{_name}", _others)

SHARED = {  # sections that a stage reads beside its own
    "compare": ("evaluate",),  # its intervals are drawn as those of the figures it shows
    "advise": tuple(  # what the ceilings assume of the models is what the trainings are told
        f"train.{key}" for key in ("dense.zoom", "instance.zoom", "instance.max_objects", "instance.max_overlap")
    ),
}


def _shipped() -> set[str]:
    """The code that goes into the Bento: `package` copies it, so no import shows it."""
    include = yaml.safe_load((ROOT / "bentofile.yaml").read_text(encoding="utf-8"))["include"]
    return {entry.rstrip("/") for entry in include if entry.startswith("src/")}


def _resolved() -> dict[str, dict[str, Any]]:
    """Every stage of dvc.yaml after its matrix and templates are filled in, by DVC's name."""
    from dvc.repo import Repo

    with Repo(str(ROOT)) as repo:
        return {stage.name: _entry(stage) for stage in repo.index.stages if getattr(stage, "name", None)}


def _entry(stage: Any) -> dict[str, Any]:
    deps = {str(dep.def_path) for dep in stage.deps}
    return {
        "code": {dep for dep in deps if dep.startswith("src/")},
        "params": {key for dep in stage.params for key in (dep.params or ())},
        "cmd": [stage.cmd] if isinstance(stage.cmd, str) else list(stage.cmd),
    }


@pytest.fixture(scope="module")
def stages() -> dict[str, dict[str, Any]]:
    return _resolved()


def closure(stage: str, with_siblings: bool = False) -> set[str]:
    """Files of segwise that the stage's module reaches by imports, as paths from the root."""
    graph = grimp.build_graph("segwise", cache_dir=None)

    def reach(start: str, cut: tuple[str, ...] = ()) -> set[str]:
        found, todo = set[str](), [start]
        while todo:
            module = todo.pop()
            if module in found or module in cut:
                continue
            found.add(module)
            todo += graph.find_modules_directly_imported_by(module)
        return found

    own, siblings = SIBLINGS.get(stage, ("", ()))
    siblings = () if with_siblings else siblings
    modules = reach(f"segwise.stages.{stage.split('@')[0]}", siblings)
    modules |= reach(own) if own in graph.modules else set()
    files = {_file(m) for m in modules if m not in EXEMPT and not m.endswith(".params")}
    files |= {template for file in files for template in _templates(file)}
    return {str(f.relative_to(ROOT)) for f in files if f.suffix != ".py" or not _is_docstring_only(f)}


def _file(module: str) -> Path:
    path = ROOT / "src" / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _templates(file: Path) -> set[Path]:
    """The page templates beside a module that it names: no import shows them."""
    text = file.read_text(encoding="utf-8")
    return {template for template in file.parent.glob("*.j2") if f'"{template.name}"' in text}


def _is_docstring_only(file: Path) -> bool:
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return file.name == "__init__.py" and all(isinstance(s, ast.Expr | ast.ImportFrom) and _is_plain(s) for s in body)


def _is_plain(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) or (
        isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
    )


def _names(row: Row) -> list[str]:
    return [f"{row.name}@{item}" for item in row.over] or [row.name]


def test_dvc_has_the_stages_of_the_table_in_its_order(stages: dict[str, Any]) -> None:
    assert list(stages) == [name for row in STAGES for name in _names(row)]


def test_each_stage_runs_the_verb_of_its_name(stages: dict[str, Any]) -> None:
    for name, stage in stages.items():
        assert stage["cmd"][-1] == f"segwise {name.replace('@', ' ')}"


def test_params_has_one_section_per_stage_the_data_the_decisions_and_promotion(stages: dict[str, Any]) -> None:
    sections = list(yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")))
    assert sections == ["data", "decision", *(row.name for row in STAGES), "promote"]


def test_each_stage_sees_only_its_own_section_the_decisions_and_where_the_data_is(stages: dict[str, Any]) -> None:
    for name, stage in stages.items():
        own = name.replace("@", ".")
        shared = {"data", "decision", *SHARED.get(name, ())}
        assert stage["params"] - shared in ({own}, {name.split("@")[0]})


def test_params_yaml_says_every_number_so_no_default_in_code_can_change_a_result() -> None:
    from segwise.config import Section
    from segwise.params import load

    def unsaid(section: Section, where: str) -> list[str]:
        missing = [f"{where}.{name}" for name in type(section).model_fields if name not in section.model_fields_set]
        inner = [(f"{where}.{n}", v) for n, v in section if isinstance(v, Section)]
        return missing + [name for path, value in inner for name in unsaid(value, path)]

    gate = ("params.gate.",)  # a threshold that is not there is a check that is not made
    names = {name for name in unsaid(load(ROOT / "params.yaml"), "params") if not name.startswith(gate)}
    told = ("dense_zoom", "instance_zoom", "max_objects", "max_overlap")  # `train` says them: see verbs._advised
    assert names == {f"params.advise.ceilings.{name}" for name in told}


@pytest.mark.parametrize("stage", [name for row in STAGES for name in _names(row)])
def test_the_code_a_stage_depends_on_is_its_import_closure(stage: str, stages: dict[str, Any]) -> None:
    shipped = _shipped() if stage == "package" else set()
    listed, needed = stages[stage]["code"], shipped | closure(stage)
    missing = {f for f in needed - listed if not any(f.startswith(f"{dep}/") for dep in listed)}  # a folder lists all
    assert not missing, f"add to deps of {stage}: {sorted(missing)}"
    unused = listed - closure(stage, with_siblings=True) - shipped
    assert not unused, f"remove from deps of {stage}: {sorted(unused)}"


def test_every_verb_has_its_module_and_every_module_its_row() -> None:
    verbs = {row.name for row in (*STAGES, *EFFECTS)}
    modules = {path.stem for path in (ROOT / "src/segwise/stages").glob("*.py")} - {"__init__"}
    assert modules == {verb.replace("-", "_") + "_" * (verb == "import") for verb in verbs}
