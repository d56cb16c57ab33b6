"""Whose signature a package needs before it is loaded: that of any public key in `registry/keys/`, said once for all.

Without that folder nothing has to be signed. It is committed, so that taking a key out is seen as any other change.
Signatures lie in the store beside the archives, each under its own SHA-256, which an event of the registry names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from segwise import registry, signing
from segwise.errors import IntegrityError, UsageError
from segwise.spec import sha256_of

KEYS = Path("registry/keys")
SIGNATURES = Path(".segwise/store")
SAY_KEY = "`--sign-key KEY.pem`, or SEGWISE_SIGN_KEY in the environment"
SIGN_AGAIN = "copy it back, or sign anew: `segwise sign DIGEST --sign-key KEY.pem`"


def keys(named: Sequence[Path] = ()) -> dict[str, Path]:
    """Public keys by fingerprint, any of which is enough: those named, else those of the project; none, none needed.

    Raises:
        UsageError: a file among them is no public key, or `registry/keys/` holds none.
    """
    paths = list(named) or sorted(KEYS.glob("*.pem"))
    if not paths and KEYS.exists():
        remedy = f"put the public key there as {KEYS}/NAME.pem; if nothing is to be signed, remove the folder"
        raise UsageError(f"a public key in {KEYS}/, which says that packages are signed", "no *.pem", remedy)
    return {signing.public(path): path for path in paths}


def signer(key: Path | None) -> None:
    """Refuse, before any work is done, a signing key that cannot sign or that the project does not trust.

    Raises:
        UsageError: that, or there is none and the project asks for signatures.
    """
    trusted, found = keys(), "" if key is None else signing.private(key)
    if not trusted or found in trusted:
        return
    if key is None:
        raise UsageError(f"a key to sign with: {KEYS}/ says that packages are signed", "none", SAY_KEY)
    remedy = f"sign with another, or add its public half to {KEYS}/"
    raise UsageError(f"the private half of {_names(trusted)}", f"{key}, with the fingerprint {found[:12]}", remedy)


def path_of(sha256: str) -> Path:
    """Where a signature is kept, by the SHA-256 of its bytes."""
    return SIGNATURES / f"{sha256}.sig"


def require(folder: Path, digest: str, events: Sequence[registry.Event], trusted: Mapping[str, Path]) -> None:
    """Hold the verified package in `folder` against the signatures recorded for `digest`; nothing without keys.

    Args:
        trusted: public keys by fingerprint, see `keys`.

    Raises:
        IntegrityError: no signature was recorded, or none of them is by one of the keys over these bytes.
    """
    if not trusted:
        return
    faults = []
    for sha256 in registry.signatures(events, digest):
        fault = _fault(folder, sha256, trusted)
        if not fault:
            return
        faults.append(fault)
    came = "; ".join(faults) or "a package that nobody signed"
    remedy = f"if it is to be trusted, sign it: `segwise sign {digest[:12]} --sign-key KEY.pem`"
    raise IntegrityError(f"{digest[:12]} to be signed by {_names(trusted)}", came, remedy)


def damaged(events: Sequence[registry.Event]) -> list[Path]:
    """Recorded signatures that lie here with other bytes."""
    recorded = (sha256 for event in events for sha256 in registry.signatures([event], event.digest))
    paths = [path_of(sha256) for sha256 in dict.fromkeys(recorded)]
    return [path for path in paths if path.is_file() and sha256_of(path) != path.stem]


def _fault(folder: Path, sha256: str, trusted: Mapping[str, Path]) -> str:
    """Why this signature does not count; empty if it does."""
    path = path_of(sha256)
    if not path.is_file() or sha256_of(path) != sha256:
        return f"{path}, with other bytes than were recorded" if path.is_file() else f"no file {path}"
    try:
        made_by, _ = signing.read(path.read_bytes())
    except ValueError as error:
        return f"{path}: {error}"
    if made_by not in trusted:
        return f"a signature by another key, {made_by[:12]}"
    try:
        signing.verify(folder, path, trusted[made_by])
    except IntegrityError as error:
        return error.came
    return ""


def _names(trusted: Mapping[str, Path]) -> str:
    return " or ".join(f"{path} ({fingerprint[:12]})" for fingerprint, path in trusted.items())
