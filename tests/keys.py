"""Key pairs for signatures, as openssl writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec

P256 = ec.SECP256R1()


def make_pair(folder: Path, name: str, curve: ec.EllipticCurve = P256, passphrase: str = "") -> tuple[Path, Path]:
    """Write NAME.key.pem and NAME.pem; returns both, the private one first."""
    return write_pair(folder, name, ec.generate_private_key(curve), passphrase)


def write_pair(folder: Path, name: str, key: Any, passphrase: str = "") -> tuple[Path, Path]:
    """As `make_pair`, of a private key of any kind."""
    folder.mkdir(parents=True, exist_ok=True)
    locked = form.BestAvailableEncryption(passphrase.encode()) if passphrase else form.NoEncryption()
    private, public = folder / f"{name}.key.pem", folder / f"{name}.pem"
    private.write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, locked))
    spki = form.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(form.Encoding.PEM, spki))
    return private, public
