"""Uploaded evidence is under retention, is never replaced, and a bucket that does not lock is refused (moto's S3)."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from compliance.__main__ import app
from compliance.reports import write_reports
from compliance.reports.attestation import SUFFIX
from compliance.reports.locked_upload import UploadError, upload
from reporting.bundle import fingerprint
from unit_tests.compliance.reports.ledgers import ROWS, ledger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef, ObjectLockConfigurationTypeDef

RETENTION: "ObjectLockConfigurationTypeDef" = {
    "ObjectLockEnabled": "Enabled",
    "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 400}},
}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> "Iterator[S3Client]":
    for name, value in {"DEFAULT_REGION": "us-east-1", "ACCESS_KEY_ID": "testing", "SECRET_ACCESS_KEY": "testing"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
        client.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=RETENTION)
        client.create_bucket(Bucket="unlocked")
        client.create_bucket(Bucket="without-default", ObjectLockEnabledForBucket=True)
        yield client


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_reports(ledger(*ROWS), tmp_path, ["bundle"])
    return tmp_path / "evidence.zip"


def test_upload_keeps_the_bundle_and_its_attestation_under_retention(s3: "S3Client", bundle: Path) -> None:
    bundle.with_name(bundle.name + SUFFIX).write_text("{}")

    kept = upload(bundle, "locked", "gate/prod")

    folder = f"gate/prod/{fingerprint(bundle)}"
    assert [one.uri for one in kept] == [f"s3://locked/{folder}/evidence.zip{end}" for end in ("", SUFFIX)]
    assert all(one.is_new for one in kept)
    assert s3.get_object(Bucket="locked", Key=f"{folder}/evidence.zip")["Body"].read() == bundle.read_bytes()
    for one in kept:
        stored = s3.head_object(Bucket="locked", Key=one.uri.removeprefix("s3://locked/"), VersionId=one.version)
        assert (stored["ObjectLockMode"], stored["ObjectLockRetainUntilDate"]) == ("COMPLIANCE", one.until)


def test_second_upload_of_the_same_bundle_makes_no_second_version(s3: "S3Client", bundle: Path) -> None:
    (first,) = upload(bundle, "locked", "gate")
    (second,) = upload(bundle, "locked", "gate")
    assert (second.is_new, second.version) == (False, first.version)
    assert len(s3.list_object_versions(Bucket="locked")["Versions"]) == 1


def test_object_with_other_bytes_is_not_replaced(s3: "S3Client", bundle: Path) -> None:
    key = f"gate/{fingerprint(bundle)}/evidence.zip"
    s3.put_object(Bucket="locked", Key=key, Body=b"other")
    with pytest.raises(UploadError, match="exists with other bytes, and is not replaced; give another --prefix"):
        upload(bundle, "locked", "gate")


@pytest.mark.parametrize(
    ("bucket", "reason"),
    [
        ("unlocked", "has no default retention"),
        ("without-default", "has no default retention"),
        ("missing", "NoSuchBucket"),
    ],
)
def test_bucket_that_locks_nothing_is_refused(s3: "S3Client", bundle: Path, bucket: str, reason: str) -> None:
    result = CliRunner().invoke(app, ["upload", str(bundle), "--bucket", bucket])
    assert result.exit_code == 2
    assert reason in result.stderr
    assert f"s3://{bucket}" in result.stderr
    if bucket != "missing":
        assert "Versions" not in s3.list_object_versions(Bucket=bucket)


def test_object_without_named_retention_is_reported(s3: "S3Client", bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def head_without_permission(**call: str) -> "HeadObjectOutputTypeDef":
        """HeadObject leaves the retention out for a caller without s3:GetObjectRetention."""
        answer = answer_in_full(Bucket=call["Bucket"], Key=call["Key"])
        del answer["ObjectLockMode"], answer["ObjectLockRetainUntilDate"]
        return answer

    answer_in_full = s3.head_object
    monkeypatch.setattr(s3, "head_object", head_without_permission)
    monkeypatch.setattr(boto3, "client", lambda _: s3)
    with pytest.raises(UploadError, match="allow s3:GetObjectRetention"):
        upload(bundle, "locked", "gate")


def test_changed_bundle_is_not_uploaded(s3: "S3Client", bundle: Path) -> None:
    bundle.write_bytes(bundle.read_bytes() + b" ")
    with pytest.raises(UploadError, match="as the gate wrote it"):
        upload(bundle, "locked", "gate")
    assert "Versions" not in s3.list_object_versions(Bucket="locked")


@pytest.mark.usefixtures("s3")
def test_command_prints_until_when_the_evidence_is_kept(bundle: Path) -> None:
    result = CliRunner().invoke(app, ["upload", str(bundle), "--bucket", "locked"])
    assert result.exit_code == 0, result.output
    assert f"s3://locked/gate/{fingerprint(bundle)}/evidence.zip: uploaded, version " in result.stdout
    assert ", COMPLIANCE until 20" in result.stdout
