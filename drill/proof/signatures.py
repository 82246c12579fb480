"""Verify the signatures of the client's receipts with the keys in each region, independently of the issuer's code.

A receipt is a JWT (RFC 7519), signed with HS256 (RFC 7518) by a version of the secret. The key is the UTF-8 text in the
field `key` of the secret's value. Each region has a replica of the secret, so a receipt verifies in both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import jwt
from botocore.exceptions import ClientError

from drill.model import Finding
from drill.proof.scope import Platform, ReceiptRow

_STAGES: Final = ("AWSCURRENT", "AWSPREVIOUS")
_LEEWAY_SECONDS: Final = 300
"""A region's clock may be ahead of this machine's."""


def read_keys(platform: Platform, region: str) -> list[str]:
    """Return the valid keys in a region.

    Raises:
        ClientError: Secrets Manager refused.
        BotoCoreError: Secrets Manager did not answer.
        ValueError: A value of the secret is not JSON with a key.
    """
    secrets, name = platform.client("secretsmanager", region), platform.secret(region)
    keys = []
    for stage in _STAGES:
        try:
            held = json.loads(secrets.get_secret_value(SecretId=name, VersionStage=stage)["SecretString"])
        except ClientError as error:
            if stage == "AWSPREVIOUS" and error.response["Error"]["Code"] == "ResourceNotFoundException":
                continue  # before the first rotation
            raise
        if not isinstance(held, dict) or not isinstance(held.get("key"), str):
            raise ValueError(f"the secret {name} in {region} holds no key")  # noqa: TRY004 - as of text that is not JSON
        keys.append(held["key"])
    return keys


def findings(receipts: Iterable[ReceiptRow], keys: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Yield a finding for each receipt that a region cannot verify, or that is about another upload."""
    for one in receipts:
        if not one.is_certain or one.version_id:
            continue
        if not one.signed:
            yield _finding(one, "the platform gave no signed receipt")
            continue
        for region, valid in keys.items():
            problem = _problem(one, valid)
            if problem:
                yield _finding(one, f"{problem} (with the keys in {region})")
                break


def _problem(one: ReceiptRow, keys: Sequence[str]) -> str:
    for key in keys:
        try:
            claims = jwt.decode(one.signed, key, algorithms=["HS256"], issuer="lockstep", leeway=_LEEWAY_SECONDS)
        except jwt.InvalidSignatureError:
            continue
        except jwt.InvalidTokenError as error:
            return f"its signed receipt is malformed: {error}"
        return _differences(one, claims)
    return "no valid key of the platform signed its receipt"


def _differences(one: ReceiptRow, claims: Mapping[str, Any]) -> str:
    expected = {
        "object_id": one.object_id,
        "upload_id": one.upload_id,
        "source": one.source,
        "key": one.file_key,
        "sha256": one.sha256,
        **({} if one.size is None else {"size": one.size}),
    }
    wrong = [
        f"{name} is {claims.get(name)!r}, not {value!r}" for name, value in expected.items() if claims.get(name) != value
    ]
    return f"its signed receipt is about another upload: {'; '.join(wrong)}" if wrong else ""


def _finding(one: ReceiptRow, what: str) -> Finding:
    return Finding(kind="divergent", object_id=one.object_id, where="receipts", what=what)
