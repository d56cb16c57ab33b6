"""The code holds its own rules: lint, form, types and the direction of imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINT_IMPORTS = str(Path(sys.executable).with_name("lint-imports"))

TOOLS = {
    "lint": [sys.executable, "-m", "ruff", "check", "--quiet", "."],
    "form": [sys.executable, "-m", "ruff", "format", "--check", "--quiet", "."],
    "types": [sys.executable, "-m", "mypy"],
    "imports": [LINT_IMPORTS],
}


@pytest.mark.parametrize("rule", TOOLS)
def test_the_code_holds_its_rules(rule: str) -> None:
    done = subprocess.run(TOOLS[rule], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
