"""The flows: the only place that imports prefect. Importing this package sets the project's environment first."""

from pathlib import Path

from flows.environment import prepare

ROOT = Path(__file__).resolve().parent.parent

prepare(ROOT)
