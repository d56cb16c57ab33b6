"""One thing that is wrong with data, in words a user can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from segwise.errors import DataInvalidError

Severity = Literal["error", "warning"]
Effect = Literal["", "repaired", "dropped", "approximated"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: `check` names the rule, `came` what was found, `remedy` what to do.

    `image` is the file name and `object_id` the object's id (at import the source's own word for it, such as
    "shape 3"), where there is one. `effect` says what an import did about it; empty where it did nothing.
    """

    check: str
    severity: Severity
    image: str | None
    object_id: int | str | None
    came: str
    remedy: str
    effect: Effect = ""

    @property
    def where(self) -> str:
        """The place in the user's words."""
        image = f"image {self.image}" if self.image else "the label file"
        return image if self.object_id is None else f"{image}, object {self.object_id}"


def errors_in(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that stop the pipeline."""
    return [f for f in findings if f.severity == "error"]


def refusal(findings: Sequence[Finding], all_in: str = "", show: int = 3) -> DataInvalidError:
    """The exception for findings of which at least one is an error: the first ones and their number.

    Args:
        all_in: the file that holds all of them.
    """
    errors = errors_in(findings)
    first = "; ".join(f"{f.where}: {f.came} [{f.check}]" for f in errors[:show])
    more = f"; and {len(errors) - show} more" if len(errors) > show else ""
    remedies = list(dict.fromkeys(f.remedy for f in errors[:show]))
    if all_in and more:
        remedies.append(f"all findings are in {all_in}")
    came = f"{len(errors)} {'error' if len(errors) == 1 else 'errors'}: {first}{more}"
    return DataInvalidError("labels and images without errors", came, "; ".join(remedies))
