"""The pages' templates, filled in: the only place that knows Jinja."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def fill(name: str, /, **values: Any) -> str:
    """The HTML of the template `name` beside this module; the same values give the same bytes.

    Values are escaped, and one that is missing is an error.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template(name).render(**values)
