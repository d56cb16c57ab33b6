"""Who asks for signed packages is served, rolls back to and audits only those that one of the keys vouches for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segwise import cli, registry, store, trust
from segwise.errors import IntegrityError
from segwise.stages import serve
from tests.keys import make_pair
from tests.packages import promote

Say = Callable[..., tuple[int, str]]
SERVED = "served at last"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pairs of ada and bob."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ada", "bob"):
        make_pair(folder, name)
    return folder


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a champion, b, and one before it, a; nobody signed them. The server itself is left out."""

    def started(*_: Any) -> None:
        raise KeyError(SERVED)

    monkeypatch.setattr(serve.hosting, "start", started)
    monkeypatch.delenv("SEGWISE_SIGN_KEY", raising=False)
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    for name in ("a", "b"):
        promote(tmp_path / name, name)
    return tmp_path


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run the command line; its exit code and what it wrote. A server that would start is exit code 0."""

    def run(*arguments: object) -> tuple[int, str]:
        code = cli.main([str(argument) for argument in arguments])
        told = "".join(capsys.readouterr())
        return (0 if SERVED in told else code), told

    return run


def digests() -> list[str]:
    return [event.digest for event in registry.read() if event.kind == "promote"]


def sign(say: Say, keys: Path, *digests: str, by: str = "ada") -> list[Path]:
    """Sign packages (none: the champion); where the signatures are kept."""
    for digest in digests or ("",):
        code, told = say("sign", *[digest] * bool(digest), "--sign-key", keys / f"{by}.key.pem", "--actor", by)
        assert code == 0, told
    made = [event for event in registry.read() if event.kind == "sign"][-len(digests or ("",)) :]
    return [trust.path_of(event.details["signature"]["sha256"]) for event in made]


def trusting(keys: Path, *names: str) -> None:
    """State once that packages are signed by these."""
    for name in names:
        trust.KEYS.mkdir(parents=True, exist_ok=True)
        shutil.copy(keys / f"{name}.pem", trust.KEYS)


def asked(keys: Path, how: str) -> list[object]:
    """The options that ask for ada's signature; as a policy of the project there are none."""
    if how == "policy":
        trusting(keys, "ada")
        return []
    return ["--verify-key", keys / "ada.pem"]


VERBS = [("serve", "--port", "0"), ("rollback",), ("audit", "verify")]
both_ways = pytest.mark.parametrize("how", ["option", "policy"])
every_verb = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])


@every_verb
def test_without_keys_nothing_is_asked_and_nothing_is_new(verb: tuple[str, ...], say: Say) -> None:
    before = registry.read()
    assert say(*verb)[0] == 0
    assert "sign" not in registry.EVENTS.read_text()
    assert registry.read()[: len(before)] == before


@both_ways
@every_verb
def test_a_signed_package_is_accepted(verb: tuple[str, ...], how: str, keys: Path, say: Say) -> None:
    sign(say, keys, *digests())
    code, told = say(*verb, *asked(keys, how))
    assert code == 0, told
    told_of = {"serve": "signature verified, on http://127.0.0.1:0", "audit": "2 are signed by a key"}
    assert told_of.get(verb[0], "is the champion again") in told


@both_ways
@every_verb
def test_an_unsigned_package_is_refused(verb: tuple[str, ...], how: str, keys: Path, say: Say) -> None:
    before = registry.EVENTS.read_bytes()
    code, told = say(*verb, *asked(keys, how))
    assert code == 5
    assert "a package that nobody signed" in told
    assert "segwise sign" in told
    assert registry.EVENTS.read_bytes() == before


@both_ways
@every_verb
def test_a_package_signed_by_another_key_is_refused(verb: tuple[str, ...], how: str, keys: Path, say: Say) -> None:
    sign(say, keys, *digests(), by="bob")
    code, told = say(*verb, *asked(keys, how))
    assert code == 5
    assert "a signature by another key" in told
    assert len(registry.read()) == 4


DAMAGE: dict[str, Callable[[Path, Path], object]] = {
    "cut off": lambda path, _: path.write_bytes(path.read_bytes()[:-40]),
    "of the other package": lambda path, other: path.write_bytes(other.read_bytes()),
    "gone": lambda path, _: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE)
@every_verb
def test_a_signature_that_is_damaged_exchanged_or_gone_is_refused(
    verb: tuple[str, ...], damage: str, keys: Path, say: Say
) -> None:
    first, second = sign(say, keys, *digests())
    path, other = (first, second) if verb == ("rollback",) else (second, first)
    DAMAGE[damage](path, other)
    code, told = say(*verb, "--verify-key", keys / "ada.pem")
    assert code == 5
    assert str(path) in told
    assert ("no file" in told) if damage == "gone" else ("other bytes" in told)


@every_verb
def test_a_record_that_names_the_signature_of_another_package_helps_nobody(
    verb: tuple[str, ...], keys: Path, say: Say
) -> None:
    before, champion = registry.read()
    target, other = (before, champion) if verb == ("rollback",) else (champion, before)
    sign(say, keys, other.digest)
    registry.append("sign", target.subject, registry.read()[-1].details, "mallory", "borrowed")
    code, told = say(*verb, "--verify-key", keys / "ada.pem")
    assert code == 5
    assert "does not verify" in told


def test_a_champion_exchanged_together_with_the_log_is_not_served(keys: Path, say: Say, root: Path) -> None:
    sign(say, keys)
    honest = registry.read()[-1]
    forged = promote(root / "evil", "evil")
    assert say("serve", "--port", "0")[0] == 0, "who can write log and store can promote"
    registry.append("sign", forged.subject, honest.details, "mallory", "the signature of another package")
    code, told = say("serve", "--port", "0", "--verify-key", keys / "ada.pem")
    assert code == 5
    assert "does not verify" in told


def test_any_of_several_keys_is_enough_and_a_named_one_takes_the_place_of_the_projects(keys: Path, say: Say) -> None:
    trusting(keys, "ada", "bob")
    first, second = digests()
    sign(say, keys, first, by="ada")
    sign(say, keys, second, by="bob")
    assert say("audit", "verify")[0] == 0
    assert say("audit", "verify", "--verify-key", keys / "ada.pem")[0] == 5
    assert say("audit", "verify", "--verify-key", keys / "ada.pem", "--verify-key", keys / "bob.pem")[0] == 0
    sign(say, keys, second, by="ada")
    assert say("audit", "verify", "--verify-key", keys / "ada.pem")[0] == 0, "the second signature counts"
    assert say("serve", "--port", "0", "--verify-key", keys / "bob.pem")[0] == 0, "and so does the first"


def test_a_rollback_keeps_the_signature_and_the_champion_after_it_is_served(keys: Path, say: Say) -> None:
    trusting(keys, "ada")
    (path,) = sign(say, keys, digests()[0])
    assert say("rollback", "--actor", "ada")[0] == 0
    event = registry.read()[-1]
    assert registry.signatures(registry.read(), event.digest) == (path.stem,)
    assert say("serve", "--port", "0")[0] == 0


def test_where_the_project_asks_for_signatures_nothing_that_loads_the_champion_goes_without(
    keys: Path, say: Say
) -> None:
    trusting(keys, "ada")
    with pytest.raises(IntegrityError, match="nobody signed"):
        store.champion_model()
    sign(say, keys)
    assert store.champion_model().is_dir()


def test_archives_that_are_not_here_are_counted_and_their_signatures_not_asked_for(keys: Path, say: Say) -> None:
    sign(say, keys)
    (store.STATE / "store" / f"{registry.read()[0].bento_sha256}.bento").unlink()
    code, told = say("audit", "verify", "--verify-key", keys / "ada.pem", "--json")
    assert code == 0
    assert json.loads(told)["num_signed"] == 1
    assert "1 of 2 promoted archives are here" in json.loads(told)["summary"]


def test_an_audit_finds_a_damaged_signature_without_any_key_and_the_doctor_names_it(keys: Path, say: Say) -> None:
    (path,) = sign(say, keys)
    assert say("audit", "verify")[0] == 0
    path.write_bytes(path.read_bytes() + b" ")
    code, told = say("audit", "verify")
    assert code == 5
    assert str(path) in told
    code, told = say("doctor")
    assert code == 5
    assert str(path) in told
    sign(say, keys)
    assert say("serve", "--port", "0", "--verify-key", keys / "ada.pem")[0] == 0, "signed anew"


def test_the_record_names_package_signature_and_key(keys: Path, say: Say) -> None:
    (path,) = sign(say, keys)
    event, package = registry.read()[-1], registry.read()[1]
    assert (event.kind, event.actor, event.subject) == ("sign", "ada", {"digest": package.digest})
    assert event.details["approach"] == "hybrid"
    assert event.details["signature"]["sha256"] == path.stem
    assert registry.champion(registry.read()) == package
    assert not list(Path(".segwise").rglob(".partial-*"))
    assert say("history", "--kind", "sign")[1].count("ada: by hand") == 1
    assert say("audit", "export", "--out", "audit.html")[0] == 0
    assert path.stem in Path("audit.html").read_text()


@pytest.mark.parametrize("digest", ["abcdefab", "1234567", "f" * 64])
def test_signing_a_package_that_was_not_promoted_is_a_usage_error(digest: str, keys: Path, say: Say) -> None:
    code, told = say("sign", digest, "--sign-key", keys / "ada.key.pem")
    assert code == 2
    assert "8 digits or more" in told
    assert len(registry.read()) == 2


def test_signing_needs_a_key_that_the_project_trusts_and_the_environment_may_name_it(
    keys: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, told = say("sign")
    assert code == 2
    assert "SEGWISE_SIGN_KEY" in told
    trusting(keys, "ada")
    monkeypatch.setenv("SEGWISE_SIGN_KEY", str(keys / "bob.key.pem"))
    code, told = say("sign")
    assert code == 2
    assert "the private half of registry/keys/ada.pem" in told
    monkeypatch.setenv("SEGWISE_SIGN_KEY", str(keys / "ada.key.pem"))
    assert say("sign")[0] == 0


def test_a_lost_archive_is_not_signed(keys: Path, say: Say) -> None:
    (store.STATE / "store" / f"{registry.read()[1].bento_sha256}.bento").unlink()
    code, told = say("sign", "--sign-key", keys / "ada.key.pem")
    assert code == 5
    assert "the promoted archive" in told
    assert len(registry.read()) == 2


@pytest.mark.parametrize("kind", ["nothing", "private", "garbage"])
@every_verb
def test_a_policy_that_holds_no_public_key_is_an_error_and_no_way_around(
    verb: tuple[str, ...], kind: str, keys: Path, say: Say
) -> None:
    trust.KEYS.mkdir(parents=True)
    if kind != "nothing":
        text = (keys / "ada.key.pem").read_text() if kind == "private" else "garbage"
        (trust.KEYS / "ada.pem").write_text(text)
    before = registry.EVENTS.read_bytes()
    code, told = say(*verb)
    assert code == 2
    assert "registry/keys" in told
    assert registry.EVENTS.read_bytes() == before
