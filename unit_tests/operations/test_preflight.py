"""`operations.preflight`: every call is validated by botocore's own model; cannot prove that AWS answers as modelled."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from operations import preflight
from operations.preflight import AssemblyError, Line, Reading, Stack, Verdict, check, read_assembly, report, unusable_regions

EAST, WEST = "us-east-1", "us-west-2"
QUOTA = {"Quota": {"Value": 100.0}}


class Answer:
    """The part of an HTTP answer that botocore looks at."""

    status_code = 200


class Account:
    """Clients whose requests are built and checked by botocore, and answered from a table.

    Attributes:
        answers: By operation: what it returns, or the code of an error.
        calls: Each call, as region, service and operation.
    """

    def __init__(self, **answers: Any) -> None:  # noqa: ANN401 - answers of any operation
        self.calls: list[tuple[str, str, str]] = []
        self.answers: dict[str, Any] = {
            "ListStackResources": "ValidationError",
            "DescribeStacks": "ValidationError",
            "DescribeRegions": {"Regions": [{"RegionName": EAST, "OptInStatus": "opt-in-not-required"}]},
            "GetAccountSettings": {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}},
            "GetFunctionConcurrency": "ResourceNotFoundException",
            "GetServiceQuota": QUOTA,
            "GetAWSDefaultServiceQuota": QUOTA,
            "GetAccountLimit": {"Limit": {"Type": "MAX_HEALTH_CHECKS_BY_OWNER", "Value": 200}, "Count": 3},
            "GetAccountSummary": {"SummaryMap": {"Roles": 7, "RolesQuota": 1000, "Policies": 7, "PoliciesQuota": 1500}},
            **answers,
        }

    def __call__(self, service: str, region: str) -> Any:  # noqa: ANN401 - boto3's client
        session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name=region)
        client = session.client(service)  # type: ignore[call-overload]

        def answer(model: Any, **_: Any) -> Any:  # noqa: ANN401 - botocore's event
            self.calls.append((region, service, model.name))
            found = self.answers.get(model.name, {})
            if isinstance(found, str):
                failed = Answer()
                failed.status_code = 403 if found == "AccessDenied" else 404
                return failed, {"Error": {"Code": found, "Message": ""}, "ResponseMetadata": {}}
            return Answer(), found

        client.meta.events.register("before-call", answer)
        return client


def function(reserved: int | None, name: str = "serverless-processor-prod") -> dict[str, Any]:
    concurrency = {} if reserved is None else {"ReservedConcurrentExecutions": reserved}
    return {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": name, **concurrency}}


def stack(region: str = EAST, /, **resources: Any) -> Stack:  # noqa: ANN401 - resources by logical id
    return Stack("serverless-regional-prod", region, None, resources)


def line_of(quota: str, stacks: list[Stack], account: Account) -> Line:
    (found,) = (line for line in check(stacks, account) if line.quota.startswith(quota))
    return found


@pytest.mark.parametrize(
    ("limit", "verdict"), [(10, Verdict.TOO_SMALL), (50, Verdict.TOO_SMALL), (174, Verdict.TOO_SMALL), (175, Verdict.ENOUGH)]
)
def test_concurrency_keeps_a_hundred_unreserved(limit: int, verdict: Verdict) -> None:
    settings = {"AccountLimit": {"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": limit}}
    line = line_of(
        "Lambda", [stack(a=function(50), b=function(25, "serverless-issuer-prod"))], Account(GetAccountSettings=settings)
    )
    assert line.verdict is verdict
    assert line.needed == 75
    assert "--service-code lambda --quota-code L-B99A9384 --desired-value 175 --region us-east-1" in line.command


def test_concurrency_without_reservation_is_enough_in_a_new_account() -> None:
    settings = {"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}}
    assert line_of("Lambda", [stack(a=function(None))], Account(GetAccountSettings=settings)).verdict is Verdict.ENOUGH


def test_concurrency_that_is_deployed_already_counts_once() -> None:
    settings = {"AccountLimit": {"ConcurrentExecutions": 150, "UnreservedConcurrentExecutions": 100}}
    held = {"ReservedConcurrentExecutions": 50}
    account = Account(GetAccountSettings=settings, GetFunctionConcurrency=held)
    assert line_of("Lambda", [stack(a=function(50))], account).verdict is Verdict.ENOUGH
    assert line_of("Lambda", [stack(a=function(51))], account).verdict is Verdict.TOO_SMALL


def test_concurrency_is_read_in_each_region() -> None:
    account = Account()
    lines = list(check([stack(EAST, a=function(2)), stack(WEST, a=function(3))], account))
    assert [(line.region, line.needed) for line in lines] == [(EAST, 2), (WEST, 3)]


@pytest.mark.parametrize("used", [4, 5])
def test_vpcs_count_what_the_region_has(used: int) -> None:
    account = Account(DescribeVpcs={"Vpcs": [{}] * used}, GetServiceQuota={"Quota": {"Value": 5.0}})
    line = line_of("VPCs", [stack(v={"Type": "AWS::EC2::VPC"})], account)
    assert line.verdict is (Verdict.ENOUGH if used == 4 else Verdict.TOO_SMALL)
    assert line.reading == Reading(5.0, used)


def test_vpcs_of_a_deployed_stack_are_not_needed_again() -> None:
    summary = {"StackResourceSummaries": [{"LogicalResourceId": "v"}]}
    account = Account(ListStackResources=summary, DescribeVpcs={"Vpcs": [{}] * 5}, GetServiceQuota={"Quota": {"Value": 5.0}})
    assert not [line for line in check([stack(v={"Type": "AWS::EC2::VPC"})], account) if line.quota == "VPCs"]


def test_vpcs_take_the_default_quota_where_none_is_applied() -> None:
    account = Account(GetServiceQuota="NoSuchResourceException", GetAWSDefaultServiceQuota={"Quota": {"Value": 5.0}})
    assert line_of("VPCs", [stack(v={"Type": "AWS::EC2::VPC"})], account).reading == Reading(5.0, 0)


def test_gateway_endpoints_are_counted_without_interface_endpoints() -> None:
    resources = {
        "s3": {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": "Gateway"}},
        "sqs": {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": "Interface"}},
    }
    assert line_of("Gateway", [stack(**resources)], Account()).needed == 1


def test_global_quotas_add_both_regions_up() -> None:
    role = {"Type": "AWS::IAM::Role"}
    line = line_of("IAM roles", [stack(EAST, a=role, b=role), stack(WEST, c=role)], Account())
    assert (line.region, line.needed, line.verdict) == ("global", 3, Verdict.ENOUGH)


def test_quota_that_may_not_be_read_is_unknown_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    lines = list(check([stack(v={"Type": "AWS::EC2::VPC"})], Account(GetServiceQuota="AccessDenied")))
    assert [line.verdict for line in lines if line.quota == "VPCs"] == [Verdict.UNKNOWN]
    assert report(lines, Console(width=200))
    assert "VPCs in us-east-1 could not be read (GetServiceQuota: AccessDenied)" in capsys.readouterr().out


@pytest.mark.parametrize("quota", preflight.QUOTAS, ids=lambda quota: quota.name)
def test_every_quota_is_read_by_calls_that_botocore_knows(quota: preflight.Quota) -> None:
    account = Account()
    resources = {f"r{index}": {"Type": name} for index, name in enumerate(sorted(quota.types))}
    line = line_of(quota.name, [stack(**resources)], account)
    assert line.reading is not None, line.why
    assert line.verdict is Verdict.ENOUGH
    assert {region for region, _, _ in account.calls} == {EAST}


def test_region_that_is_not_enabled_is_named_with_the_command() -> None:
    regions = [{"RegionName": EAST, "OptInStatus": "opted-in"}, {"RegionName": WEST, "OptInStatus": "not-opted-in"}]
    (refusal,) = unusable_regions([stack(EAST), stack(WEST)], Account(DescribeRegions={"Regions": regions}))
    assert f"aws account enable-region --region-name {WEST}" in refusal


@pytest.mark.parametrize("refused", ["ValidationError", "AccessDenied"])
def test_regions_are_usable_where_no_stack_is_elsewhere(refused: str) -> None:
    account = Account(DescribeStacks=refused, DescribeRegions="AccessDenied")
    assert list(unusable_regions([stack(EAST), stack(WEST)], account)) == []


@pytest.mark.parametrize(("status", "is_named"), [("UPDATE_COMPLETE", True), ("REVIEW_IN_PROGRESS", False)])
def test_stack_that_another_region_holds_is_named(status: str, *, is_named: bool) -> None:
    held = {"StackName": "serverless-data-prod", "StackStatus": status, "CreationTime": "2026-11-29T00:00:00Z"}
    stacks = [stack(EAST), stack(WEST), Stack("serverless-data-prod", WEST, None, {})]
    refusals = list(unusable_regions(stacks, Account(DescribeStacks={"Stacks": [held]})))
    assert [text.partition(";")[0] for text in refusals] == [f"serverless-data-prod is deployed in {EAST}"] * is_named


def test_report_names_what_to_request_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    settings = {"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}}
    lines = list(check([stack(a=function(75))], Account(GetAccountSettings=settings)))
    assert not report(lines, Console(width=200))
    printed = capsys.readouterr().out
    assert "Lambda concurrent executions in us-east-1: 175 are needed." in printed
    assert 'limits.*_concurrency = "none"' in printed


def write_assembly(folder: Path, artifacts: object) -> Path:
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    (folder / "t.json").write_text(json.dumps({"Resources": {"a": function(5)}}))
    return folder


def artifact(environment: str = "aws://123456789012/us-east-1", template: str = "t.json") -> dict[str, object]:
    return {
        "type": "aws:cloudformation:stack",
        "environment": environment,
        "properties": {"templateFile": template, "stackName": "serverless-x-prod"},
    }


@pytest.mark.parametrize(
    ("environment", "account"),
    [
        ("aws://123456789012/us-east-1", "123456789012"),
        ("aws://000000000000/us-east-1", None),
        ("aws://unknown-account/us-east-1", None),
    ],
)
def test_assembly_names_region_account_and_resources(tmp_path: Path, environment: str, account: str | None) -> None:
    (read,) = read_assembly(write_assembly(tmp_path, {"x": artifact(environment), "tree": {"type": "cdk:tree"}}))
    assert (read.name, read.region, read.account) == ("serverless-x-prod", EAST, account)
    assert list(read.resources) == ["a"]


@pytest.mark.parametrize("artifacts", [{}, [], None, {"x": {}}, {"x": artifact(template="missing.json")}])
def test_assembly_that_cannot_be_read_is_an_error_that_helps(tmp_path: Path, artifacts: object) -> None:
    with pytest.raises(AssemblyError, match="Type: nox -s synth"):
        read_assembly(write_assembly(tmp_path, artifacts))


def test_assembly_of_a_missing_folder_is_an_error_that_helps(tmp_path: Path) -> None:
    with pytest.raises(AssemblyError, match="Type: nox -s synth"):
        read_assembly(tmp_path / "nothing")


def test_deployed_templates_are_saved_by_the_names_of_the_assembly(tmp_path: Path) -> None:
    written = read_assembly(write_assembly(tmp_path, {"x": artifact()}))
    folder = tmp_path / "deployed"
    preflight.save_deployed(written, Account(GetTemplate={"TemplateBody": {"Resources": {}}}), folder)
    assert json.loads((folder / "t.json").read_text()) == {"Resources": {}}
    preflight.save_deployed(written, Account(GetTemplate="ValidationError"), folder)
    assert not list(folder.iterdir())


def test_deployed_templates_that_may_not_be_read_are_an_error(tmp_path: Path) -> None:
    written = read_assembly(write_assembly(tmp_path, {"x": artifact()}))
    with pytest.raises(ClientError, match="AccessDenied"):
        preflight.save_deployed(written, Account(GetTemplate="AccessDenied"), tmp_path / "deployed")
