"""A signature vouches for every file of a package, and for nothing else; only its own key's public half accepts it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segwise import signing
from segwise.bundle import MANIFEST
from segwise.errors import IntegrityError, SegwiseError, UsageError
from segwise.spec import sha256_of
from tests.keys import make_pair, write_pair
from tests.packages import make_package

CURVES = [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()]


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package `bento`, its signature `s.sig`, and the pairs of ada and bob."""
    root = tmp_path_factory.mktemp("signed")
    make_package(root / "bento", "a")
    (root / "bento/.gitignore").write_text("listed by no default of model-signing")
    key, _ = make_pair(root, "ada")
    make_pair(root, "bob")
    rewrite(root / "bento")
    (root / "s.sig").write_bytes(signing.sign(root / "bento", key))
    return root


def rewrite(folder: Path) -> None:
    """Give the package the manifest of the files that it has now."""
    from segwise import bundle

    (folder / MANIFEST).unlink()
    bundle.write_manifest(folder, {"winner": "hybrid"})


def copied(signed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(signed / "bento", tmp_path / "bento")


def test_the_public_half_of_its_key_accepts_it_and_that_of_another_does_not(signed: Path) -> None:
    signing.verify(signed / "bento", signed / "s.sig", signed / "ada.pem")
    with pytest.raises(IntegrityError, match="by another key") as caught:
        signing.verify(signed / "bento", signed / "s.sig", signed / "bob.pem")
    assert caught.value.exit_code == 5


def test_it_names_its_key_by_the_sha256_of_the_public_file_and_lists_every_file(signed: Path) -> None:
    made_by, listed = signing.read((signed / "s.sig").read_bytes())
    assert made_by == sha256_of(signed / "ada.pem") == signing.public(signed / "ada.pem")
    assert made_by == signing.private(signed / "ada.key.pem")
    assert listed == {".gitignore", "src/manifest.json", "src/model/model.onnx"}


def test_model_signing_itself_accepts_it_and_refuses_other_bytes(signed: Path, tmp_path: Path) -> None:
    folder = copied(signed, tmp_path)
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(folder), "--no-ignore-git-paths"]
    command += ["--signature", str(signed / "s.sig"), "--public_key", str(signed / "ada.pem")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Verification succeeded\n")
    (folder / "src/model/model.onnx").write_text("b")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "src/model/model.onnx" in done.stderr


@pytest.mark.parametrize("change", ["changed", "added", "removed", "renamed", "manifest"])
def test_a_package_of_other_bytes_is_refused(change: str, signed: Path, tmp_path: Path) -> None:
    folder = copied(signed, tmp_path)
    model = folder / "src/model/model.onnx"
    if change == "changed":
        model.write_text("b")
    elif change == "added":
        (folder / "src/more.py").write_text("print('not gated')")
    elif change == "removed":
        model.unlink()
    elif change == "renamed":
        model.rename(folder / "src/model/other.onnx")
    else:
        (folder / MANIFEST).write_text((folder / MANIFEST).read_text().replace("hybrid", "instance"))
    with pytest.raises(IntegrityError):
        signing.verify(folder, signed / "s.sig", signed / "ada.pem")


def test_a_package_changed_together_with_its_manifest_is_refused(signed: Path, tmp_path: Path) -> None:
    folder = copied(signed, tmp_path)
    (folder / "src/model/model.onnx").write_text("b")
    rewrite(folder)
    with pytest.raises(IntegrityError, match="does not verify"):
        signing.verify(folder, signed / "s.sig", signed / "ada.pem")


def test_a_signature_over_fewer_files_by_the_same_key_is_refused(signed: Path, tmp_path: Path) -> None:
    from model_signing import hashing
    from model_signing.signing import Config

    without = hashing.Config().set_ignored_paths(paths=["src/model/model.onnx"], ignore_git_paths=False)
    signer = Config().use_elliptic_key_signer(private_key=signed / "ada.key.pem")
    folder = copied(signed, tmp_path)
    signer.set_hashing_config(without).sign(folder, tmp_path / "s.sig")
    (folder / "src/model/model.onnx").write_text("anything: nobody signed it")
    with pytest.raises(IntegrityError, match=r"another set of files: src/model/model\.onnx is in one"):
        signing.verify(folder, tmp_path / "s.sig", signed / "ada.pem")


def test_compiled_python_beside_the_files_does_not_matter_as_it_does_not_to_the_manifest(
    signed: Path, tmp_path: Path
) -> None:
    folder = copied(signed, tmp_path)
    (folder / "src/__pycache__").mkdir()
    (folder / "src/__pycache__/more.pyc").write_bytes(b"compiled")
    signing.verify(folder, signed / "s.sig", signed / "ada.pem")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(part=st.floats(0, 1, exclude_max=True))
def test_a_signature_that_was_cut_off_anywhere_is_refused(signed: Path, part: float) -> None:
    data, cut = (signed / "s.sig").read_bytes(), signed / "cut.sig"
    cut.write_bytes(data[: int(part * len(data))])
    with pytest.raises(IntegrityError, match="no signature, or one that was cut off"):
        signing.verify(signed / "bento", cut, signed / "ada.pem")


def changed(text: str, how: str) -> str:
    bundle: dict[str, Any] = json.loads(text)
    envelope = bundle["dsseEnvelope"]
    if how == "no hint":
        bundle["verificationMaterial"]["publicKey"]["hint"] = None
    elif how == "no signatures":
        envelope["signatures"] = []
    elif how == "another signature":
        first = envelope["signatures"][0]["sig"]
        envelope["signatures"][0]["sig"] = first[:20] + ("A" if first[20] != "A" else "B") + first[21:]
    elif how == "another payload":
        envelope["payload"] = envelope["payload"][:-12] + "e30K" * 3
    elif how == "another kind of bundle":
        bundle["mediaType"] = "application/json"
    else:
        return how
    return json.dumps(bundle)


@pytest.mark.parametrize(
    "how",
    [
        "no hint",
        "no signatures",
        "another signature",
        "another payload",
        "another kind of bundle",
        "",
        "[]",
        "{}",
        "null",
        "[" * 100_000,
        '{"dsseEnvelope": {"payload": "%%%"}}',
        "\udcff",
    ],
)
def test_a_forged_signature_and_a_file_that_is_none_are_refused(how: str, signed: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.sig"
    path.write_bytes(changed((signed / "s.sig").read_text(), how).encode(errors="surrogateescape"))
    with pytest.raises(IntegrityError):
        signing.verify(signed / "bento", path, signed / "ada.pem")


def test_a_signature_that_is_not_there_is_refused(signed: Path, tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="No such file"):
        signing.verify(signed / "bento", tmp_path / "s.sig", signed / "ada.pem")


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_keys_of_the_three_curves_sign_with_a_passphrase_too(
    curve: ec.EllipticCurve, signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, public = make_pair(tmp_path, "k", curve, passphrase="a long way")
    for wrong in ("", "another way"):
        monkeypatch.setenv(signing.PASSPHRASE, wrong)
        with pytest.raises(UsageError, match="private key") as caught:
            signing.sign(signed / "bento", key)
        assert signing.PASSPHRASE in caught.value.remedy
    monkeypatch.setenv(signing.PASSPHRASE, "a long way")
    (tmp_path / "s.sig").write_bytes(signing.sign(signed / "bento", key))
    signing.verify(signed / "bento", tmp_path / "s.sig", public)
    assert "PRIVATE KEY" not in (tmp_path / "s.sig").read_text()


def test_a_passphrase_in_the_environment_is_no_hindrance_to_a_key_without_one(
    signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(signing.PASSPHRASE, "of another key")
    assert signing.private(signed / "ada.key.pem") == signing.public(signed / "ada.pem")


def unusable(folder: Path, kind: str) -> tuple[Path, Path]:
    """A pair that cannot sign."""
    if kind == "rsa":
        return write_pair(folder, kind, rsa.generate_private_key(65537, 2048))
    if kind == "ed25519":
        return write_pair(folder, kind, ed25519.Ed25519PrivateKey.generate())
    if kind == "secp256k1":
        return make_pair(folder, kind, ec.SECP256K1())
    private, public = make_pair(folder, kind)
    if kind == "exchanged":
        return public, private
    for path in (private, public):
        path.write_text("") if kind == "empty" else path.unlink()
    return private, public


@pytest.mark.parametrize("kind", ["rsa", "ed25519", "secp256k1", "exchanged", "empty", "missing"])
def test_a_file_that_is_no_key_for_signatures_is_a_usage_error_that_says_how_to_make_one(
    kind: str, signed: Path, tmp_path: Path
) -> None:
    private, public = unusable(tmp_path, kind)
    for act, path in ((signing.private, private), (signing.public, public)):
        with pytest.raises(UsageError, match="ECDSA") as caught:
            act(path)
        remedy = "public half" if kind == "exchanged" and act is signing.public else "openssl"
        assert remedy in caught.value.remedy
        assert str(path) in str(caught.value)


def test_without_the_packages_that_sign_one_is_told_how_to_get_them(
    signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "model_signing", None)
    with pytest.raises(SegwiseError, match="sign and verify") as caught:
        signing.verify(signed / "bento", signed / "s.sig", signed / "ada.pem")
    assert "segwise[signing]" in caught.value.remedy


def test_nothing_that_signs_is_imported_before_something_is_signed() -> None:
    heavy = "{'model_signing', 'sigstore', 'OpenSSL', 'cryptography'}"
    code = f"import sys, segwise.store, segwise.verbs; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
