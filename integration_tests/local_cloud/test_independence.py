"""Test that the secondary is independent: its stacks deploy, serve and change while us-east-1 is unreachable.

The stacks, and what each can do:

| stack | with the primary's region unreachable |
|---|---|
| SecondaryKeys | can be created and changed |
| SecondaryRegional | can be created and changed; it needs the data stack, which is in its own region |
| Data | cannot be created, because table and secret have a replica in the primary's region. Once created, it serves |
| PrimaryKeys, PrimaryRegional | are in the primary's region |
| Failover | reads both regions' outputs. It is deployed last, and no failover needs to change it |
"""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from integration_tests.local_cloud.platform_for_tests import Cdk, Refused, synthesize
from integration_tests.local_cloud.stacks_for_tests import Stack, impatient, until
from local_cloud import LocalCloud

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRIMARY, SECONDARY = "us-east-1", "us-west-2"
LOG_DAYS: Final = 30
FILE: Final = b'{"name": "first", "size": 1}\n{"name": "second", "size": 2.5}\n'


@dataclass
class Site:
    """A cloud with the secondary's keys, whose us-east-1 is down."""

    cloud: LocalCloud
    cdk: Cdk
    assembly: Path
    changed: Path
    """The same platform with other tags and another retention of its logs."""

    def stack(self, name: str) -> Stack:
        """A deployed stack of the secondary's region."""
        return Stack(self.cloud, SECONDARY, f"serverless-{name}-prod")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Bootstrap the secondary's region in an empty account and deploy its keys, without the primary."""
    folder = tmp_path_factory.mktemp("independence")
    # A short rest in the shadow queue and a short memory of who is active: the tests wait for both.
    quick = {"limits__shadow_delay_seconds": 1, "limits__control_cache_seconds": 1}
    change = {"tags__owner": "another-team", "retention__logs_days": LOG_DAYS}
    with LocalCloud.start(calm=True) as cloud, ThreadPoolExecutor() as pool:
        cloud.region_down(PRIMARY)
        cdk = Cdk(cloud, SECONDARY, folder / "cdk")
        assemblies = (
            pool.submit(synthesize, cloud, folder / "first", **quick),
            pool.submit(synthesize, cloud, folder / "changed", **quick, **change),
        )
        cdk.bootstrap(SECONDARY)
        site = Site(cloud, cdk, *(assembly.result() for assembly in assemblies))
        cdk.deploy(site.assembly, "SecondaryKeys")
        yield site


@pytest.fixture(scope="module")
def secondary(site: Site) -> Stack:
    """The secondary's regional stack, created while us-east-1 is down. The primary has only its keys."""
    site.cloud.region_up(PRIMARY)
    site.cdk.bootstrap(PRIMARY)
    site.cdk.deploy(site.assembly, "PrimaryKeys", "Data")
    site.cloud.region_down(PRIMARY)
    site.cdk.deploy(site.assembly, "SecondaryRegional")
    return site.stack("regional")


class Api:
    """The secondary's HTTP API, called as a client calls it."""

    def __init__(self, cloud: LocalCloud, api_id: str) -> None:
        self._url = cloud.api_url(api_id)
        self._credentials = Credentials(cloud.account, cloud.secret_access_key)

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  any JSON
        """Send a signed request and return its answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"content-type": "application/json"}
        request = AWSRequest(method, self._url + path, data=data, headers=headers)
        SigV4Auth(self._credentials, "execute-api", SECONDARY).add_auth(request)
        return json.loads(send(method, self._url + path, data, dict(request.headers)))

    def upload(self, key: str, body: bytes) -> str:
        """Request an upload and send the file; return its object id."""
        digest = hashlib.sha256(body).hexdigest()
        issued = self.call("POST", "/uploads", {"key": key, "size": len(body), "sha256": digest, "source": "alone"})
        send("PUT", issued["url"], body, issued["headers"])
        return str(issued["id"])

    def state(self, object_id: str) -> dict[str, Any]:
        """Return the API's answer about an object."""
        answer: dict[str, Any] = self.call("GET", f"/uploads/{object_id}")
        return answer


def send(method: str, url: str, data: bytes | None, headers: dict[str, str]) -> bytes:
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310  the local cloud's
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as response:
            body: bytes = response.read()
            return body
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {url} answered {error.code}: {error.read().decode()}") from error


@pytest.fixture(scope="module")
def api(secondary: Stack) -> Api:
    return Api(secondary.cloud, secondary.outputs()["ApiId"])


def promote(secondary: Stack) -> None:
    """Claim the active role for the secondary (data rule 4) with one write through its own region."""
    claim = {"pk": {"S": f"CONTROL#{SECONDARY}"}, "sk": {"S": "ACTIVE"}, "epoch": {"N": "1"}}
    secondary.client("dynamodb").put_item(TableName=secondary.outputs()["TableName"], Item=claim)


def test_first_deployment_creates_keys_before_replicated_data(site: Site) -> None:
    assert site.stack("keys").outputs()["DataKeyArn"].startswith(f"arn:aws:kms:{SECONDARY}:")
    # The table is made last, so the replicated secret is what fails first.
    with pytest.raises(Refused, match=r"(?s)CREATE_FAILED.*ReceiptSecret.*503"):
        site.cdk.deploy(site.assembly, "Data")
    # What an operator does then: a stack that was never made whole is protected all the same, and stands in the way.
    failed = site.stack("data")
    failed.client("cloudformation").update_termination_protection(StackName=failed.name, EnableTerminationProtection=False)
    failed.delete()


def test_upload_waits_in_the_passive_secondary_until_it_is_promoted(secondary: Stack, api: Api) -> None:
    with pytest.raises(ClientError, match="503"):
        impatient(secondary.cloud, "sts", PRIMARY).get_caller_identity()
    waiting = api.upload("alone/passive.ndjson", FILE)
    assert not until(lambda: api.state(waiting)["state"] == "processed", seconds=2.5)
    assert api.state(waiting)["state"] == "accepted"

    promote(secondary)
    assert until(lambda: api.state(waiting)["state"] == "processed", seconds=20)
    assert api.state(waiting)["accepted"] == 2
    secondary.client("s3").put_object(
        Bucket=secondary.outputs()["IngestBucketName"], Key="incoming/alone/direct.csv", Body=b"a,b\n1,2\n"
    )
    found = until(lambda: api.call("GET", "/files?key=alone%2Fdirect.csv")["files"], seconds=20)
    assert [(one["state"], one["format"], one["accepted"]) for one in found] == [("processed", "csv", 1)]


def test_its_keys_and_its_regional_stack_change(site: Site, secondary: Stack, api: Api) -> None:
    functions, name = secondary.client("lambda"), secondary.outputs()["ProcessorFunctionName"]
    group = functions.get_function_configuration(FunctionName=name)["LoggingConfig"]["LogGroup"]

    def days() -> int:
        (found,) = secondary.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        return int(found["retentionInDays"])

    def owners() -> set[str]:
        function = functions.get_function(FunctionName=name)["Tags"]["Owner"]
        key = secondary.client("kms").list_resource_tags(KeyId=site.stack("keys").outputs()["DataKeyArn"])["Tags"]
        return {function, *(tag["TagValue"] for tag in key if tag["TagKey"] == "Owner")}

    assert (days(), owners()) == (365, {"platform-team"})
    site.cdk.deploy(site.changed, "SecondaryKeys", "SecondaryRegional")
    assert (days(), owners()) == (LOG_DAYS, {"another-team"})

    promote(secondary)
    after = api.upload("alone/after.ndjson", FILE + b"\n")
    assert until(lambda: api.state(after)["state"] == "processed", seconds=20)


def test_writes_reach_the_primarys_replica_when_it_is_back(secondary: Stack, api: Api) -> None:
    promote(secondary)
    written = api.upload("alone/back.ndjson", FILE + b"\n\n")
    assert until(lambda: api.state(written)["state"] == "processed", seconds=20)
    cloud, table = secondary.cloud, secondary.outputs()["TableName"]
    key = {"pk": {"S": f"OBJ#{written}"}, "sk": {"S": "RESULT"}}
    cloud.region_up(PRIMARY)
    try:
        replica = cloud.client("dynamodb", PRIMARY)
        assert until(lambda: "Item" in replica.get_item(TableName=table, Key=key), seconds=10)
    finally:
        cloud.region_down(PRIMARY)
