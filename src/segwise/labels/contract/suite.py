"""The contract over the fact tables, as Great Expectations suites with Data Docs. The only import of the library."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from segwise.labels.contract.rule import TABLES, Rule
from segwise.labels.facts.tables import Table

# Data Docs are an output of a stage, so the same data must give the same bytes: no clock, no random ids
_RUN_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_STAMP = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_REMOTE_LOGO = re.compile(r'src="https://great-expectations-web-assets[^"]*"')
_SHOW = 20


def run(tables: Mapping[Table, pd.DataFrame], rules: Sequence[Rule], docs_dir: Path) -> dict[str, int]:
    """Validate the tables against the rules and write Data Docs into `docs_dir` (replaced; index.html comes first).

    Returns:
        For each check the number of rows that break it.
    """
    shutil.rmtree(docs_dir, ignore_errors=True)
    docs_dir.mkdir(parents=True)
    broken = dict.fromkeys((rule.check for rule in rules), 0)
    with _scratch(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the library, not ours to mend
        context = _context(docs_dir)
        for table in TABLES:
            chosen = [rule for rule in rules if rule.table == table]
            if chosen and len(tables[table]):
                for rule, count in zip(chosen, _validate(context, table, tables[table], chosen), strict=True):
                    broken[rule.check] += count
        context.build_data_docs()
    for page in docs_dir.rglob("*.html"):
        page.write_text(_stable(page.read_text(encoding="utf-8")), encoding="utf-8")
    return broken


def _context(docs_dir: Path) -> Any:
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs_dir.resolve())}
    index = {"class_name": "DefaultSiteIndexBuilder"}
    site: Any = {"class_name": "SiteBuilder", "store_backend": store, "site_index_builder": index}
    site["show_how_to_buttons"] = False
    context.add_data_docs_site("labels", site)
    return context


def _validate(context: Any, table: Table, frame: pd.DataFrame, rules: Sequence[Rule]) -> list[int]:
    import great_expectations as gx
    from great_expectations.core.run_identifier import RunIdentifier

    asset = context.data_sources.add_pandas(table).add_dataframe_asset("facts")
    batch = asset.add_batch_definition_whole_dataframe("all")
    suite = context.suites.add(gx.ExpectationSuite(table, expectations=[_expectation(rule) for rule in rules]))
    definition = gx.ValidationDefinition(name=table, data=batch, suite=suite)
    keys = [name for name in ("file_name", "object_id", "class_name") if name in frame]
    columns = {rule.column: frame[rule.column].astype(float) for rule in rules}
    result = context.validation_definitions.add(definition).run(
        batch_parameters={"dataframe": frame[keys].assign(**columns)},
        result_format={
            "result_format": "SUMMARY",
            "unexpected_index_column_names": [key for key in keys if key not in columns],
            "partial_unexpected_count": _SHOW,
        },
        run_id=RunIdentifier(run_name="labels", run_time=_RUN_TIME),
    )
    found = {r.expectation_config.meta["check"]: int(r.result.get("unexpected_count", -1)) for r in result.results}
    return [found[rule.check] for rule in rules]


def _expectation(rule: Rule) -> Any:
    from great_expectations.expectations.core.expect_column_values_to_be_between import (
        ExpectColumnValuesToBeBetween,
    )
    from great_expectations.expectations.metadata_types import FailureSeverity

    return ExpectColumnValuesToBeBetween(
        column=rule.column,
        min_value=rule.low,
        max_value=rule.high,
        severity=FailureSeverity.CRITICAL if rule.severity == "error" else FailureSeverity.WARNING,
        meta={"check": rule.check, "remedy": rule.remedy},
        notes=f"{rule.check}: {rule.remedy}",
    )


@contextmanager
def _scratch() -> Iterator[None]:
    """Temporary files of the library go into a folder that is removed; its usage statistics stay off."""
    before, analytics = tempfile.tempdir, os.environ.get("GX_ANALYTICS_ENABLED")
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    with tempfile.TemporaryDirectory(prefix="segwise-labels-") as folder:
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = before
            if analytics is None:
                del os.environ["GX_ANALYTICS_ENABLED"]
            else:
                os.environ["GX_ANALYTICS_ENABLED"] = analytics


def _stable(page: str) -> str:
    """The page without what changes from run to run, and without the logo that would be fetched on opening it."""
    names: dict[str, str] = {}
    page = _UUID.sub(lambda match: names.setdefault(match[0], f"id-{len(names)}"), page)
    return _REMOTE_LOGO.sub('src="data:,"', _STAMP.sub(_RUN_TIME.strftime("%Y%m%dT%H%M%S.%fZ"), page))
