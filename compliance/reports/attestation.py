"""Sign an evidence bundle, and verify the signature: an in-toto statement about its manifest in a DSSE envelope.

A bundle proves that it is whole, not who made it: a person who changes it can write its manifest again. The attestation
names the bundle and its manifest by SHA-256, under a key that the forger does not have.

Formats: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and
https://github.com/secure-systems-lab/dsse/blob/master/envelope.md. The predicate is in-toto's test result:
https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import Error as SigningLibraryError
from securesystemslib.signer import AWSSigner, CryptoSigner, Key, Signature, Signer, SSlibKey

from reporting.bundle import MANIFEST, unpack

SUFFIX: Final = ".intoto.json"
"""The end of the attestation's file name, after the bundle's."""
KMS: Final = "awskms:"
"""Prefix of a key in KMS, before its id, its ARN or its alias."""

_STATEMENT: Final = "https://in-toto.io/Statement/v1"
_PREDICATE: Final = "https://in-toto.io/attestation/test-result/v0.1"
_PAYLOAD: Final = "application/vnd.in-toto+json"
_BROKEN: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError, SigningLibraryError)


class AttestationError(Exception):
    """Raised where a key cannot be used or a bundle is not fit to be signed. The message says what to give."""


def sign(bundle: Path, key: str) -> tuple[Path, str]:
    """Write the attestation of a bundle beside it.

    Args:
        bundle: An evidence.zip that its own manifest confirms.
        key: A file with a private key in PEM, or `awskms:` and a key of KMS. The account and region of KMS are boto3's.

    Returns:
        The attestation's file, and the id of the key.

    Raises:
        AttestationError: The bundle was changed, or the key cannot sign.
    """
    try:
        members = unpack(bundle)
    except ValueError as error:
        raise AttestationError(f"{error}; sign the evidence.zip as the gate wrote it") from error
    signer = _signer(key)
    envelope = Envelope(json.dumps(_statement(bundle, members), indent=1).encode(), _PAYLOAD, {})
    try:
        envelope.sign(signer)
    except Exception as error:  # the clients of KMS raise many kinds
        raise AttestationError(f"--key {key}: it cannot sign: {error}") from error
    file = bundle.with_name(bundle.name + SUFFIX)
    file.write_text(json.dumps(envelope.to_dict(), indent=1) + "\n", "utf-8")
    return file, signer.public_key.keyid


def verify(bundle: Path, attestation: Path, key: str) -> list[str]:
    """Check that an attestation is signed by a key and is about this bundle.

    Args:
        bundle: The evidence.zip.
        attestation: The file that `sign` wrote.
        key: A file with the public key in PEM, or `awskms:` and a key of KMS.

    Returns:
        A sentence for each problem; empty if there is none.

    Raises:
        AttestationError: The key cannot be read.
    """
    public = _public_key(key)
    try:
        envelope = Envelope.from_dict(json.loads(attestation.read_bytes()))
        if not any(_is_of(public, each, envelope.pae()) for each in envelope.signatures.values()):
            return [f"{attestation} is not signed by {key}"]
        stated = json.loads(envelope.payload)
        if envelope.payload_type != _PAYLOAD or stated["_type"] != _STATEMENT or stated["predicateType"] != _PREDICATE:
            return [f"{attestation} is no statement of a test result"]
        subjects = {subject["name"]: subject["digest"]["sha256"] for subject in stated["subject"]}
    except OSError as error:
        return [f"{attestation} cannot be read: {error.strerror}"]
    except _BROKEN as error:
        return [f"{attestation} is not an attestation: {type(error).__name__}: {error}"]
    try:
        found = _digests(bundle, unpack(bundle))
    except ValueError as error:
        return [str(error)]
    return [
        f"{name} is not what was signed: its SHA-256 is {digest}, the attestation's {subjects.get(name)}"
        for name, digest in found.items()
        if subjects.get(name) != digest
    ]


def _is_of(public: Key, signature: Signature, signed: bytes) -> bool:
    try:
        # Other tools derive the id of the same key otherwise, or leave it out: the signature alone decides.
        public.verify_signature(Signature(public.keyid, signature.signature), signed)
    except SigningLibraryError:
        return False
    return True


def _statement(bundle: Path, members: Mapping[str, bytes]) -> dict[str, Any]:
    report = json.loads(members["report.json"])
    return {
        "_type": _STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in _digests(bundle, members).items()],
        "predicateType": _PREDICATE,
        "predicate": {
            "result": "PASSED" if report["passed"] else "FAILED",
            "configuration": [
                {"name": template["file"], "digest": {"sha256": template["sha256"]}} for template in report["templates"]
            ],
        },
    }


def _digests(bundle: Path, members: Mapping[str, bytes]) -> dict[str, str]:
    contents = {"evidence.zip": bundle.read_bytes(), MANIFEST: members[MANIFEST]}
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def _signer(key: str) -> Signer:
    if key.startswith(KMS):
        name = key.removeprefix(KMS)
        return AWSSigner(name, _kms_key(name))
    try:
        return CryptoSigner(load_pem_private_key(_read(key), None))
    except (ValueError, TypeError, UnsupportedAlgorithm, SigningLibraryError) as error:
        raise AttestationError(f"--key {key}: {error}; give a private key in PEM without a password, or {KMS}KEY") from error


def _public_key(key: str) -> Key:
    if key.startswith(KMS):
        return _kms_key(key.removeprefix(KMS))
    try:
        return SSlibKey.from_crypto(load_pem_public_key(_read(key)))
    except (ValueError, TypeError, UnsupportedAlgorithm, SigningLibraryError) as error:
        raise AttestationError(f"--key {key}: {error}; give a public key in PEM, or {KMS}KEY") from error


def _kms_key(name: str) -> SSlibKey:
    try:
        return AWSSigner.import_(name)[1]
    except Exception as error:  # the clients of KMS raise many kinds
        raise AttestationError(f"--key {KMS}{name}: {error}; give an asymmetric signing key of this account") from error


def _read(key: str) -> bytes:
    try:
        return Path(key).read_bytes()
    except OSError as error:
        raise AttestationError(f"--key {key}: {error.strerror}; give a file in PEM, or {KMS}KEY") from error
