"""Signatures of a package by an own key pair, offline: over every file in it, the manifest included.

They are Sigstore bundles as the OpenSSF's `model-signing` writes and verifies them: a DSSE envelope around an in-toto
statement that lists the SHA-256 of each file, signed with ECDSA (NIST P-256, P-384 or P-521). A key's fingerprint is
the SHA-256 of its public half in PEM, which the bundle names too: `sha256sum PUB.pem`, as openssl writes the file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from segwise.bundle import MANIFEST, list_files
from segwise.errors import IntegrityError, SegwiseError, UsageError

PASSPHRASE = "SEGWISE_SIGN_PASSPHRASE"  # noqa: S105 -- the name of the variable that holds it
CURVES = ("secp256r1", "secp384r1", "secp521r1")  # those that model-signing takes
MAKE = "`openssl ecparam -name prime256v1 -genkey -noout -out KEY.pem`, `openssl ec -in KEY.pem -pubout -out PUB.pem`"


def private(path: Path) -> str:
    """The fingerprint of a private key, which is only read.

    Raises:
        UsageError: it is no private key that can sign, or its passphrase in SEGWISE_SIGN_PASSPHRASE is wrong.
    """
    return _fingerprint(_private_key(path).public_key())


def public(path: Path) -> str:
    """The fingerprint of a public key. Raises UsageError: it is none, or none that can verify."""
    serialization = _serialization()
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise _no_key("public", path, error) from error
    return _fingerprint(_supported("public", path, key))


def sign(folder: Path, key: Path) -> bytes:
    """The signature of the package in `folder`, which holds nothing but its files, verified once.

    Args:
        key: the private key, PEM; one with a passphrase takes it from SEGWISE_SIGN_PASSPHRASE.

    Raises:
        UsageError: it is no private key that can sign.
    """
    own = _private_key(key)
    hashing, signing, _ = _library()
    with tempfile.TemporaryDirectory(prefix="segwise-sign-") as name:
        out, pem = Path(name) / "signature", Path(name) / "public.pem"
        signer = signing.Config().use_elliptic_key_signer(private_key=key, password=_passphrase(key.read_bytes()))
        signer.set_hashing_config(_every_file(hashing)).sign(folder, out)
        pem.write_bytes(_pem(own.public_key()))
        verify(folder, out, pem)
        return out.read_bytes()


def verify(folder: Path, signature: Path, key: Path) -> None:
    """Hold the package in `folder` against a signature and the public key that has to have made it.

    The signature must be over exactly the files of the package, compiled Python left out (see `bundle.list_files`).

    Raises:
        IntegrityError: the file is no signature or was cut off, another key made it, or it is one of other bytes.
        UsageError: `key` is no public key.
    """
    asked = f"a signature of {folder.name[:12]} by the key {key}"
    fingerprint, remedy = public(key), "serve nothing that it should vouch for, and find out who changed what"
    try:
        made_by, listed = read(signature.read_bytes())
    except (OSError, ValueError) as error:
        raise IntegrityError(asked, f"{signature}: {error}", remedy) from error
    if made_by != fingerprint:
        raise IntegrityError(asked, f"{signature}, by another key: {made_by[:12]}, not {fingerprint[:12]}", remedy)
    hashing, _, verifying = _library()
    try:
        verifier = verifying.Config().use_elliptic_key_verifier(public_key=key).set_ignore_unsigned_files(True)
        verifier.set_hashing_config(_every_file(hashing)).verify(folder, signature)
    except Exception as error:  # whatever it dislikes: what does not verify is refused
        said = " ".join(str(error).split())[:300] or "the key did not sign what it says"
        raise IntegrityError(asked, f"{signature}, which does not verify: {said}", remedy) from error
    differing = sorted(listed ^ {*list_files(folder), MANIFEST})
    if differing:
        raise IntegrityError(asked, f"{signature}, of another set of files: {differing[0]} is in one only", remedy)


def read(signature: bytes) -> tuple[str, set[str]]:
    """The fingerprint of the key that made a signature and the files it is over, as it says itself: not verified.

    Raises:
        ValueError: it is no signature, or was cut off.
    """
    try:
        bundle = json.loads(signature)
        statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"], validate=True))
        listed = {str(resource["name"]) for resource in statement["predicate"]["resources"]}
        return str(bundle["verificationMaterial"]["publicKey"]["hint"]), listed
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError("no signature, or one that was cut off") from error


def _every_file(hashing: Any) -> Any:
    """SHA-256 of each file; model-signing's own default leaves out `.gitignore` and the like."""
    return hashing.Config().set_ignored_paths(paths=[], ignore_git_paths=False)


def _private_key(path: Path) -> Any:
    serialization = _serialization()
    try:
        data = path.read_bytes()
        key = serialization.load_pem_private_key(data, _passphrase(data))
    except (OSError, ValueError, TypeError) as error:
        raise _no_key("private", path, error) from error
    return _supported("private", path, key)


def _supported(kind: str, path: Path, key: Any) -> Any:
    curve = getattr(getattr(key, "curve", None), "name", type(key).__name__)
    if curve not in CURVES:
        raise _no_key(kind, path, ValueError(f"one of another kind, {curve}"))
    return key


def _no_key(kind: str, path: Path, error: Exception) -> UsageError:
    expected = f"a {kind} key for signatures (ECDSA, NIST P-256, P-384 or P-521, PEM) in {path}"
    if isinstance(error, OSError):
        return UsageError(expected, error.strerror or str(error), f"make a pair: {MAKE}")
    pem = path.read_bytes()
    if kind == "public" and b"PRIVATE KEY" in pem:
        remedy = "put its public half there; if others could read this one, make a new pair: it signs for them too"
        return UsageError(expected, "a private key", remedy)
    if kind == "private" and b"ENCRYPTED" in pem:
        said = f"the environment variable {PASSPHRASE}"
        return UsageError(expected, "one with a passphrase, not the one given", f"put the passphrase into {said}")
    return UsageError(expected, str(error).split(". ")[0], f"make a pair: {MAKE}")


def _passphrase(pem: bytes) -> Any:
    """The passphrase as bytes (model-signing 1.1 hands it on unencoded), None for a key that has none."""
    return os.environ.get(PASSPHRASE, "").encode() or None if b"ENCRYPTED" in pem else None


def _fingerprint(key: Any) -> str:
    return hashlib.sha256(_pem(key)).hexdigest()


def _pem(key: Any) -> bytes:
    form = _serialization()
    return bytes(key.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo))


def _serialization() -> Any:
    try:
        from cryptography.hazmat.primitives import serialization
    except ImportError as error:
        raise _not_installed(error) from error
    return serialization


def _library() -> tuple[Any, Any, Any]:
    """`hashing`, `signing` and `verifying` of model-signing, imported only where something is signed."""
    try:
        from model_signing import hashing, signing, verifying
    except ImportError as error:
        raise _not_installed(error) from error
    return hashing, signing, verifying


def _not_installed(error: ImportError) -> SegwiseError:
    return SegwiseError("the packages that sign and verify", str(error), "`uv pip install 'segwise[signing]'`")
