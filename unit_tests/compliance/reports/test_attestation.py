"""A signature shows that a bundle was forged whole, and an attestation is about one bundle and one key only."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from moto import mock_aws
from moto.kms.utils import ECDSAPrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner
from typer.testing import CliRunner

from compliance.__main__ import app
from compliance.engine.findings import Findings
from compliance.reports import write_reports
from compliance.reports.attestation import SUFFIX, AttestationError, sign, verify
from reporting import bundle as bundles
from unit_tests.compliance.reports.ledgers import PASSING, ROWS, ledger

KEYS: dict[str, Any] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "ecdsa": ec.generate_private_key(ec.SECP256R1()),
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
}


def _bundle(folder: Path, judged: Findings | None = None) -> Path:
    write_reports(judged or ledger(*ROWS), folder, ["bundle"])
    return folder / "evidence.zip"


def _keys(folder: Path, kind: str = "ed25519") -> tuple[str, str]:
    """Write a pair of keys, and return the files of the private and the public one."""
    key = KEYS[kind]
    private, public = folder / f"{kind}.pem", folder / f"{kind}.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return str(private), str(public)


def _forge(bundle: Path) -> None:
    """Replace the verdict in every report, and write the manifest again: the bundle agrees with itself."""
    members = bundles.unpack(bundle)
    del members[bundles.MANIFEST]
    report = json.loads(members["report.json"])
    report["passed"] = True
    members["report.json"] = json.dumps(report).encode()
    bundle.write_bytes(bundles.pack(members, passed=True, judged_on=report["judged_on"]))
    assert bundles.verify(bundle) == []


def _sign_digest(key: ECDSAPrivateKey, message: bytes, _algorithm: str) -> bytes:
    """Sign as KMS does for MessageType DIGEST, which moto hashes once more (moto.kms.models.KmsBackend.sign)."""
    return key.private_key.sign(message, ec.ECDSA(Prehashed(SHA256())))


@pytest.fixture
def kms() -> Iterator[str]:
    """A signing key of KMS, by its alias."""
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(ECDSAPrivateKey, "sign", _sign_digest)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        client = boto3.client("kms")
        made = client.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")
        client.create_alias(AliasName="alias/evidence", TargetKeyId=made["KeyMetadata"]["KeyId"])
        yield "awskms:alias/evidence"


@pytest.mark.parametrize("kind", KEYS)
def test_signed_bundle_verifies_by_the_public_key(kind: str, tmp_path: Path) -> None:
    bundle = _bundle(tmp_path)
    private, public = _keys(tmp_path, kind)

    file, key_id = sign(bundle, private)

    assert verify(bundle, file, public) == []
    envelope = json.loads(file.read_text())
    assert [signature["keyid"] for signature in envelope["signatures"]] == [key_id]
    stated = json.loads(base64.b64decode(envelope["payload"]))
    assert {subject["name"] for subject in stated["subject"]} == {"evidence.zip", "manifest.json"}
    assert stated["predicate"]["result"] == "FAILED"
    assert stated["predicate"]["configuration"]


def test_forged_bundle_is_convicted_by_the_signature(tmp_path: Path) -> None:
    bundle = _bundle(tmp_path)
    private, public = _keys(tmp_path)
    file, _ = sign(bundle, private)

    _forge(bundle)

    problems = verify(bundle, file, public)
    assert any(problem.startswith("manifest.json is not what was signed") for problem in problems)
    assert any(problem.startswith("evidence.zip is not what was signed") for problem in problems)


def test_forged_bundle_is_convicted_by_kms(kms: str, tmp_path: Path) -> None:
    bundle = _bundle(tmp_path)
    file, _ = sign(bundle, kms)
    assert verify(bundle, file, kms) == []

    _forge(bundle)

    assert verify(bundle, file, kms)


def test_swapped_manifest_is_convicted(kms: str, tmp_path: Path) -> None:
    bundle = _bundle(tmp_path)
    other = _bundle(tmp_path / "other", ledger(PASSING))
    file, _ = sign(bundle, kms)

    manifest = bundles.unpack(other)[bundles.MANIFEST]
    bundle.write_bytes(bundles._archive({**bundles.unpack(bundle), bundles.MANIFEST: manifest}))  # noqa: SLF001

    assert verify(bundle, file, kms)


def test_attestation_of_another_bundle_is_convicted(tmp_path: Path) -> None:
    private, public = _keys(tmp_path)
    file, _ = sign(_bundle(tmp_path / "passing", ledger(PASSING)), private)

    assert verify(_bundle(tmp_path), file, public)


def test_signature_of_another_key_is_convicted_under_a_forged_key_id(tmp_path: Path) -> None:
    bundle = _bundle(tmp_path)
    private, public = _keys(tmp_path, "ecdsa")
    file, _ = sign(bundle, _keys(tmp_path, "ed25519")[0])
    theirs = json.loads(file.read_text())
    _, key_id = sign(bundle, private)
    theirs["signatures"][0]["keyid"] = key_id
    file.write_text(json.dumps(theirs))

    assert verify(bundle, file, public) == [f"{file} is not signed by {public}"]


def test_signature_decides_whatever_the_id_of_its_key_is(tmp_path: Path) -> None:
    bundle = _bundle(tmp_path)
    private, public = _keys(tmp_path)
    file, _ = sign(bundle, private)
    envelope = json.loads(file.read_text())
    envelope["signatures"][0]["keyid"] = ""
    file.write_text(json.dumps(envelope))

    assert verify(bundle, file, public) == []


def test_changed_payload_is_convicted(tmp_path: Path) -> None:
    bundle = _bundle(tmp_path)
    private, public = _keys(tmp_path)
    file, _ = sign(bundle, private)
    envelope = json.loads(file.read_text())
    payload = base64.b64decode(envelope["payload"]).replace(b"FAILED", b"PASSED")
    file.write_text(json.dumps({**envelope, "payload": base64.b64encode(payload).decode()}))

    assert verify(bundle, file, public) == [f"{file} is not signed by {public}"]


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "null", '{"payload": 1, "payloadType": "x", "signatures": []}', "[" * 100_000]
)
def test_malformed_attestation_is_a_problem_and_no_traceback(content: str, tmp_path: Path) -> None:
    bundle = _bundle(tmp_path)
    _, public = _keys(tmp_path)
    file = tmp_path / "attestation.json"
    file.write_text(content)

    assert len(verify(bundle, file, public)) == 1


def test_statement_of_another_type_is_convicted(tmp_path: Path) -> None:
    bundle = _bundle(tmp_path)
    _, public = _keys(tmp_path)
    envelope = Envelope(b'{"_type": "other", "predicateType": "other"}', "application/vnd.in-toto+json", {})
    envelope.sign(CryptoSigner(KEYS["ed25519"]))
    file = tmp_path / "other.json"
    file.write_text(json.dumps(envelope.to_dict()))

    assert verify(bundle, file, public) == [f"{file} is no statement of a test result"]


def test_changed_bundle_is_not_signed(tmp_path: Path) -> None:
    bundle = _bundle(tmp_path)
    bundle.write_bytes(bundle.read_bytes() + b"x")

    with pytest.raises(AttestationError, match=r"sign the evidence\.zip as the gate wrote it"):
        sign(bundle, _keys(tmp_path)[0])


def test_unusable_key_is_an_error_that_says_what_to_give(kms: str, tmp_path: Path) -> None:
    bundle = _bundle(tmp_path)
    _, public = _keys(tmp_path)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(KEYS["ed25519"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))

    for key in (public, str(locked), str(tmp_path / "none.pem"), "awskms:alias/none"):
        with pytest.raises(AttestationError, match="; give "):
            sign(bundle, key)
    assert kms


def test_command_signs_and_verifies_and_exits_1_for_a_forgery(tmp_path: Path) -> None:
    runner = CliRunner()
    bundle = _bundle(tmp_path)
    private, public = _keys(tmp_path)
    unsigned = runner.invoke(app, ["verify", str(bundle), "--key", public])
    signed = runner.invoke(app, ["sign", str(bundle), "--key", private])
    good = runner.invoke(app, ["verify", str(bundle), "--key", public, "--expect", bundles.fingerprint(bundle)])
    _forge(bundle)

    forged = runner.invoke(app, ["verify", str(bundle), "--key", public])

    assert (unsigned.exit_code, signed.exit_code, good.exit_code, forged.exit_code) == (1, 0, 0, 1)
    assert f"evidence.zip{SUFFIX}" in signed.output.replace("\n", "")
    assert "is not what was signed" in forged.output


def test_command_with_expect_convicts_a_forged_bundle(tmp_path: Path) -> None:
    runner = CliRunner()
    bundle = _bundle(tmp_path)
    expected = bundles.fingerprint(bundle)
    good = runner.invoke(app, ["verify", str(bundle), "--expect", expected.upper()])
    _forge(bundle)

    forged = runner.invoke(app, ["verify", str(bundle), "--expect", expected])
    wrong = runner.invoke(app, ["verify", str(bundle), "--expect", "abc"])

    assert (good.exit_code, forged.exit_code, wrong.exit_code) == (0, 1, 2)
    assert "is another bundle" in forged.output
    assert runner.invoke(app, ["verify", str(bundle)]).exit_code == 0  # nothing inside the bundle shows it
