"""params.yaml as one closed, frozen value. Each section's class sits beside its owner; this module only joins them."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import Field

from segwise.advice.params import AdviseParams
from segwise.config import Section, parse
from segwise.dataset.params import DataParams, ProfileParams, SplitParams
from segwise.decision.params import Decision
from segwise.errors import UsageError
from segwise.evaluation.params import BenchmarkParams, EvaluateParams
from segwise.gate.params import GateParams, PackageParams
from segwise.gate.promote_params import PromoteParams
from segwise.labels.params import ValidateParams
from segwise.models.params import ConvertParams, DenseParams, InstanceParams
from segwise.predict.params import CalibrateParams, ComposeParams
from segwise.report.params import CompareParams

PARAMS_FILE = Path("params.yaml")


class TrainParams(Section):
    """One section per network."""

    dense: DenseParams
    instance: InstanceParams


class Params(Section):
    """The whole of params.yaml, one section per stage."""

    data: DataParams
    decision: dict[str, Decision] = Field(min_length=1)
    validation: ValidateParams = Field(alias="validate")  # pydantic's BaseModel already has a method `validate`
    profile: ProfileParams
    advise: AdviseParams
    split: SplitParams
    train: TrainParams
    convert: ConvertParams
    calibrate: CalibrateParams
    compose: ComposeParams
    evaluate: EvaluateParams
    benchmark: BenchmarkParams
    compare: CompareParams
    gate: GateParams
    package: PackageParams
    promote: PromoteParams


def load(path: Path | str = PARAMS_FILE) -> Params:
    """Read and check the parameters.

    Raises:
        UsageError: no such file, not YAML, an unknown key (with the nearest known one) or a value out of range.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(
            f"the parameters in {path}", f"no such file in {Path.cwd()}", "run segwise in the repository's root"
        )
    return checked(path.read_bytes(), str(path))


def checked(text: str | bytes, name: str) -> Params:
    """The parameters that this text of the file `name` says. Raises UsageError: see `load`."""
    try:
        values = yaml.safe_load(text if isinstance(text, str) else text.decode())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = " ".join(str(error).split())
        raise UsageError(f"{name} to be YAML", where, "correct that line") from error
    if not isinstance(values, dict):
        raise UsageError(f"sections in {name}", f"a {type(values).__name__}", "restore it: `git checkout params.yaml`")
    return parse(Params, values, name)
