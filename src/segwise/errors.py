"""Errors a user can act on: what was expected, what came, what to do; each kind has its exit code."""

from __future__ import annotations


class SegwiseError(Exception):
    """A failure with a remedy. `exit_code` is what the command line ends with.

    Args:
        expected: what the program needed, in the user's words.
        came: what it got instead, with the file, image or key it came from.
        remedy: the next thing to do.
    """

    exit_code = 1

    def __init__(self, expected: str, came: str, remedy: str) -> None:
        super().__init__(expected, came, remedy)
        self.expected, self.came, self.remedy = expected, came, remedy

    def __str__(self) -> str:
        return f"expected {self.expected}; got {self.came}.\n  → {self.remedy}"


class UsageError(SegwiseError):
    """The command or its parameters are off (exit 2)."""

    exit_code = 2


class GateRefusedError(SegwiseError):
    """No approach met the thresholds; nothing was promoted (exit 3)."""

    exit_code = 3


class InconclusiveError(GateRefusedError):
    """The evidence is not enough to promote, nor to hold; nothing was promoted (exit 7)."""

    exit_code = 7


class DataInvalidError(SegwiseError):
    """The images or labels break the contract (exit 4)."""

    exit_code = 4


class IntegrityError(SegwiseError):
    """Bytes are not the bytes that were recorded (exit 5)."""

    exit_code = 5


class BusyError(SegwiseError):
    """A port, a lock or a run is held by somebody else (exit 6)."""

    exit_code = 6


VERDICT_CODES = (GateRefusedError.exit_code, InconclusiveError.exit_code)  # a finished run that promotes nothing
EXIT_CODES: dict[int, str] = {
    0: "ok",
    1: "error",
    2: "usage: the command or a parameter is off",
    3: "gate refused: no approach met the thresholds",
    4: "data invalid: images or labels break the contract",
    5: "integrity: bytes differ from what was recorded",
    6: "busy: a port, lock or run is held",
    7: "inconclusive: the evidence is not enough to promote, nor to hold",
    130: "interrupted",
}
