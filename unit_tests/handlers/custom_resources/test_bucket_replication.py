"""Test the replication rule against scripted answers of S3: the rules that count as equal, and the read-back."""

# ruff: noqa: ANN401 - properties and rules are JSON

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from handlers.bucket_replication import handler as replication
from handlers.shared.custom_resource import PropertyError, Request, RequestType

BUCKET, ROLE = "bucket", "arn:aws:iam::000000000000:role/replication"
ON = {"Status": "Enabled"}
PROPERTIES: dict[str, Any] = {
    "Bucket": BUCKET,
    "BucketRegion": "us-west-2",
    "AccountId": "000000000000",
    "BatchRole": "arn:aws:iam::000000000000:role/batch",
    "TableName": "table",
    "ApiHosts": {"us-east-1": "a.execute-api.us-east-1.amazonaws.com"},
    "ReplicationConfiguration": {
        "Role": ROLE,
        "Rules": [
            {
                "Id": "ours",
                "Status": "Enabled",
                "Priority": "1",
                "Filter": {"Prefix": ""},
                "DeleteMarkerReplication": ON,
                "SourceSelectionCriteria": {"ReplicaModifications": ON, "SseKmsEncryptedObjects": ON},
                "Destination": {
                    "Bucket": "arn:aws:s3:::other",
                    "EncryptionConfiguration": {"ReplicaKmsKeyID": "arn:aws:kms:us-east-1:000000000000:alias/data"},
                    "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": "15"}},
                    "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": "15"}},
                },
            }
        ],
    },
}


def asked(properties: dict[str, Any]) -> Any:
    """Return the configuration that a Create with these properties requests."""
    return replication.desired(Request(RequestType.CREATE, "Rule", None, properties, {}, "id"))


def given(**more: Any) -> dict[str, Any]:
    """Return the properties with some keys of the rule changed; a key with the value None is removed."""
    configuration = PROPERTIES["ReplicationConfiguration"]
    rule = {name: value for name, value in {**configuration["Rules"][0], **more}.items() if value is not None}
    return {**PROPERTIES, "ReplicationConfiguration": {**configuration, "Rules": [rule]}}


@pytest.mark.parametrize(
    "hosts",
    [
        None, "a.example", ["a.example"], {"us-east-1": ""}, {"us-east-1": None}, {"us-east-1": "https://a.example"},
        {"us-east-1": "a.example/x"}, {"us-east-1": "a.example:1"}, {"us-east-1": "u@a.example"},
        {"us-east-1": "a.example\n"},
    ],
)  # fmt: skip
def test_api_hosts_of_another_form_are_refused(hosts: Any) -> None:
    properties = {**PROPERTIES, "ApiHosts": hosts}
    with pytest.raises(PropertyError, match="ApiHosts of Rule"):
        replication.api_hosts(Request(RequestType.CREATE, "Rule", None, properties, {}, "id"))


RULE: Any = asked(PROPERTIES)["Rules"][0]
OTHER = {**RULE, "ID": "theirs", "Priority": 2}
WHOLE = {"Role": ROLE, "Rules": [OTHER, RULE]}


def written(current: list[dict[str, Any]] | None, *, role: str = ROLE) -> bool:
    """Return whether setting the rule writes, for the given rules that S3 returns."""
    s3 = boto3.client("s3", region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="x")
    script = Stubber(s3)
    if current is None:
        script.add_client_error("get_bucket_replication", "ReplicationConfigurationNotFoundError")
        kept = []
    else:
        answer = {"ReplicationConfiguration": {"Role": role, "Rules": current}}
        script.add_response("get_bucket_replication", answer, {"Bucket": BUCKET})
        kept = [rule for rule in current if rule["ID"] != "ours"]
    put: Any = {"Bucket": BUCKET, "ReplicationConfiguration": {"Role": ROLE, "Rules": [*kept, RULE]}}
    script.add_response("put_bucket_replication", {}, put)
    script.add_response("get_bucket_replication", {"ReplicationConfiguration": put["ReplicationConfiguration"]})
    with script:
        replication.set_rule(s3, BUCKET, ROLE, RULE)
    try:
        script.assert_no_pending_responses()
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize(
    "current", [[RULE], [RULE, OTHER], [OTHER, RULE], [{**RULE, "Filter": {}}], [{**RULE, "Filter": {"Prefix": ""}}]]
)
def test_equal_rule_in_another_form_is_not_written_again(current: list[dict[str, Any]]) -> None:
    assert not written(current)


@pytest.mark.parametrize("part", sorted(set(RULE) - {"ID"}))
def test_rule_that_differs_is_written(part: str) -> None:
    changed: dict[str, Any] = {
        "Priority": 7,
        "Filter": {"Prefix": "incoming/"},
        "Status": "Disabled",
        "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": "arn:aws:s3:::other"},
    }
    assert written([{**RULE, part: changed[part]}])


def test_missing_and_foreign_rules_and_another_role_are_replaced() -> None:
    assert written(None)
    assert written([OTHER])
    assert written([RULE], role="arn:aws:iam::000000000000:role/other")


class TestReadBack:
    """The rules that S3 returns after a put."""

    @pytest.fixture(autouse=True)
    def _no_pause(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(replication, "READ_BACK_PAUSE_SECONDS", 0)

    @staticmethod
    def put(*answers: dict[str, Any] | None) -> bool:
        """Set the rule on a bucket without rules; return whether all these later answers of S3 were read."""
        s3 = boto3.client("s3", region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="x")
        script = Stubber(s3)
        script.add_client_error("get_bucket_replication", "ReplicationConfigurationNotFoundError")
        script.add_response("put_bucket_replication", {})
        for answer in answers:
            if answer is None:
                script.add_client_error("get_bucket_replication", "ReplicationConfigurationNotFoundError")
            else:
                script.add_response("get_bucket_replication", {"ReplicationConfiguration": answer})
        with script:
            replication.set_rule(s3, BUCKET, ROLE, RULE)
        try:
            script.assert_no_pending_responses()
        except AssertionError:
            return False
        return True

    def test_rule_with_an_added_default_is_in_place(self) -> None:
        held = {**RULE, "Filter": {}, "Destination": {**RULE["Destination"], "StorageClass": "STANDARD"}}
        assert self.put({"Role": ROLE, "Rules": [OTHER, held]})

    def test_late_rule_is_waited_for(self) -> None:
        old = {**RULE, "Status": "Disabled"}
        late: Any = (None, {"Role": "arn:old", "Rules": [RULE]}, {"Role": ROLE, "Rules": [old]}, WHOLE)
        assert self.put(*late)
        assert not self.put(*late, WHOLE)

    @pytest.mark.parametrize("part", sorted(set(RULE) - {"ID", "Filter"}))
    def test_part_that_s3_drops_is_named_in_the_error(self, part: str) -> None:
        held = {name: value for name, value in {"Priority": 1, **RULE}.items() if name != part}
        if part in ("Status", "Destination"):  # S3 cannot answer without them
            held[part] = {"Status": "Disabled", "Destination": {"Bucket": "arn:aws:s3:::other"}}[part]
        with pytest.raises(replication.ReadBackError, match=rf"Rule\.{part}.* is "):
            self.put(*[{"Role": ROLE, "Rules": [held]}] * replication.READ_BACK_ATTEMPTS)

    @pytest.mark.parametrize("answer", [None, {"Role": ROLE, "Rules": [OTHER]}])
    def test_rule_that_never_appears_is_an_error(self, answer: dict[str, Any] | None) -> None:
        with pytest.raises(replication.ReadBackError, match="rule ours of bucket bucket"):
            self.put(*[answer] * replication.READ_BACK_ATTEMPTS)


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({**PROPERTIES, "RuleId": "x"}, "RuleId of Rule: no such property.* BucketRegion, ReplicationConfiguration"),
        ({**PROPERTIES, "ReplicationConfiguration": "x"}, "must be a map of Role, Rules"),
        ({**PROPERTIES, "ReplicationConfiguration": {"Role": ROLE, "Rules": []}}, "one rule; it holds 0"),
        ({**PROPERTIES, "ReplicationConfiguration": {"Role": ROLE, "Rules": [{}, {}]}}, r"Rules\[0\].Status is missing"),
        (given(Id=None), r"Rules\[0\].Id is missing"),
        (given(Destination=None), r"Rules\[0\].Destination is missing"),
        ({"Bucket": BUCKET, "BucketRegion": "us-west-2"}, "property ReplicationConfiguration of Rule is missing"),
    ],
)
def test_invalid_configuration_is_refused_with_the_place(properties: dict[str, Any], message: str) -> None:
    with pytest.raises(PropertyError, match=message):
        asked(properties)


def test_two_rules_are_refused() -> None:
    both = PROPERTIES["ReplicationConfiguration"]["Rules"] * 2
    with pytest.raises(PropertyError, match="must hold one rule; it holds 2"):
        asked({**PROPERTIES, "ReplicationConfiguration": {"Role": ROLE, "Rules": both}})


@pytest.mark.parametrize("kind", [RequestType.UPDATE, RequestType.DELETE])
@pytest.mark.parametrize("physical_id", [None, "", "bucket", "bucket/", "/rule"])
def test_physical_id_of_another_form_is_refused(kind: RequestType, physical_id: str | None) -> None:
    with pytest.raises(PropertyError, match="a bucket's name, a slash and a rule's id are needed"):
        replication.provide(Request(kind, "Rule", physical_id, PROPERTIES, {}, "id"), until=0)
