"""Test the archive: each kind of entry has its key, and S3 accepts every request."""

import json
from io import BytesIO
from unittest.mock import Mock

import pytest

from handlers.processor.archive import Archive
from unit_tests.handlers.processor.messages_of_sqs import message, objects_of, s3_event

ID = "ab" * 32


def archive() -> tuple[Archive, Mock]:
    s3 = Mock()
    return Archive(s3=s3, bucket="archive"), s3


def test_rejections_are_one_file_an_object() -> None:
    kept, s3 = archive()
    file = BytesIO(b"{}\n")
    kept.rejections(ID, file)
    request = s3.put_object.call_args.kwargs
    assert (request["Bucket"], request["Key"], request["Body"]) == ("archive", f"rejected/{ID}.ndjson", file)


@pytest.mark.parametrize(
    ("keep", "key"),
    [
        ("quarantine", f"quarantined/{ID}.json"),
        ("last_receive", f"quarantined/{ID}.last-receive.json"),
        ("overdue", f"quarantined/{ID}.overdue.json"),
    ],
)
def test_notes_are_json_under_a_key_of_their_kind(keep: str, key: str) -> None:
    kept, s3 = archive()
    getattr(kept, keep)(ID, {"reason": "because", "body": "\ud800é"})
    request = s3.put_object.call_args.kwargs
    assert request["Key"] == key
    assert json.loads(request["Body"]) == {"reason": "because", "body": "\ud800é"}


def test_archive_copies_the_version_of_the_event() -> None:
    kept, s3 = archive()
    (event,) = objects_of(message(s3_event(key="incoming/a b.csv", version_id="v7", bucket="ingest")))
    assert kept.copy(event, 5 * 1024**3)
    request = s3.copy_object.call_args.kwargs
    assert request["CopySource"] == {"Bucket": "ingest", "Key": "incoming/a b.csv", "VersionId": "v7"}
    assert (request["Bucket"], request["Key"]) == ("archive", f"quarantined/{event.object_id}/object")


def test_archive_leaves_an_object_over_the_copy_limit() -> None:
    kept, s3 = archive()
    (event,) = objects_of(message())
    assert not kept.copy(event, 5 * 1024**3 + 1)
    assert not s3.copy_object.called
