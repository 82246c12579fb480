"""`python -m operations.preflight ASSEMBLY`: compare an account's quotas with the resources that the templates create.

The check reads a synthesized cloud assembly, and only limits and counts of the account. It fails if a quota is too small,
and prints the command that requests an increase. A quota that the credentials cannot read is shown as unknown.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

UNRESERVED_MINIMUM: Final = 100
"""Concurrent executions that Lambda keeps free for functions without a reservation.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""
_FUNCTION: Final = "AWS::Lambda::Function"
_GLOBAL_REGION: Final = "us-east-1"
"""The region of the quotas of IAM, Route 53 and the number of buckets."""
_CONFIG: Final = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})

Properties = Mapping[str, Any]
Clients = Callable[[str, str], Any]
"""A function that returns a boto3 client for a service and a region."""


class AssemblyError(Exception):
    """Raised when a folder is not a readable cloud assembly."""


class Verdict(StrEnum):
    """The result of comparing a quota with the need."""

    ENOUGH = "enough"
    TOO_SMALL = "too small"
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Stack:
    """A stack of the assembly, with its resources by logical id. `account` is None if the assembly names none."""

    name: str
    region: str
    account: str | None
    resources: Mapping[str, Mapping[str, Any]]
    file: str = ""


@dataclass(frozen=True)
class Reading:
    """The limit of a quota in an account, and the use of it."""

    limit: float
    used: float


@dataclass(frozen=True, kw_only=True)
class Quota:
    """A quota that the templates count against.

    Attributes:
        name: AWS's name of the quota.
        types: The resource types that count.
        read: Function that reads limit and use with clients of the region.
        request: `service code/quota code` of Service Quotas; empty if Service Quotas takes no request for it.
        counts: Function that returns whether a resource counts, from its properties.
        is_global: Whether all regions share the quota.
    """

    name: str
    types: frozenset[str]
    read: Callable[[Clients, str, str], Reading]
    request: str = ""
    counts: Callable[[Properties], bool] = field(default=lambda _: True)
    is_global: bool = False


@dataclass(frozen=True)
class Line:
    """A line of the table. `reading` is None if the quota could not be read; `why` then holds the reason."""

    quota: str
    region: str
    needed: int
    reading: Reading | None
    request: str = ""
    why: str = ""
    kept_free: int = 0

    @property
    def verdict(self) -> Verdict:
        """The verdict: whether the limit minus the use covers the need."""
        if self.reading is None:
            return Verdict.UNKNOWN
        fits: bool = self.needed == 0 or self.reading.used + self.needed + self.kept_free <= self.reading.limit
        return Verdict.ENOUGH if fits else Verdict.TOO_SMALL

    @property
    def wanted(self) -> int:
        """The smallest limit that is enough."""
        return int((self.reading.used if self.reading else 0) + self.needed + self.kept_free)

    @property
    def command(self) -> str:
        """The command that requests an increase; empty if Service Quotas takes no request."""
        if not self.request:
            return ""
        service, _, code = self.request.partition("/")
        region = _GLOBAL_REGION if self.region == "global" else self.region
        return (
            f"aws service-quotas request-service-quota-increase --service-code {service} --quota-code {code} "
            f"--desired-value {self.wanted} --region {region}"
        )


def read_assembly(folder: Path) -> tuple[Stack, ...]:
    """Read the stacks of a cloud assembly.

    Raises:
        AssemblyError: The folder has no manifest, no stack, or a template that cannot be read.
    """
    try:
        artifacts = json.loads((folder / "manifest.json").read_text("utf-8"))["artifacts"]
        found = tuple(
            _stack(folder, name, artifact)
            for name, artifact in sorted(artifacts.items())
            if artifact["type"] == "aws:cloudformation:stack"
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AssemblyError(f"{folder} is not a cloud assembly ({error}). Type: nox -s synth") from error
    if not found:
        raise AssemblyError(f"{folder} holds no stack. Type: nox -s synth")
    return found


def _stack(folder: Path, name: str, artifact: Mapping[str, Any]) -> Stack:
    account, _, region = artifact["environment"].removeprefix("aws://").partition("/")
    properties = artifact["properties"]
    template = json.loads((folder / properties["templateFile"]).read_text("utf-8"))
    return Stack(
        name=properties.get("stackName", name),
        region=region,
        account=account if account.isdigit() and account.strip("0") else None,
        resources=template.get("Resources", {}),
        file=properties["templateFile"],
    )


def check(stacks: Sequence[Stack], clients: Clients) -> Iterator[Line]:
    """Yield a line for each quota and region that the stacks count against, Lambda's concurrency first."""
    new = {stack: _new_resources(stack, clients) for stack in stacks}
    for region in sorted({stack.region for stack in stacks}):
        yield _concurrency([stack for stack in stacks if stack.region == region], region, clients)
    for quota in QUOTAS:
        needed: Counter[str] = Counter()
        for stack, resources in new.items():
            place = "global" if quota.is_global else stack.region
            needed[place] += sum(
                each["Type"] in quota.types and quota.counts(each.get("Properties", {})) for each in resources.values()
            )
        for place, number in sorted(needed.items()):
            if number:
                yield _line(quota, place, number, clients)


def unusable_regions(stacks: Sequence[Stack], clients: Clients) -> Iterator[str]:
    """Yield each region of the templates that the account has not enabled, and each stack that another of them holds.

    A stack cannot move: its retained resources keep their names, and a table's replica already has the table's name.
    """
    regions = sorted({stack.region for stack in stacks})
    try:
        # AllRegions lists the disabled ones too: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html
        found = clients("ec2", _GLOBAL_REGION).describe_regions(AllRegions=True, RegionNames=regions)["Regions"]
    except (ClientError, BotoCoreError):
        found = []  # not readable: each quota of the region then shows as unknown
    for region in sorted(each["RegionName"] for each in found if each.get("OptInStatus") == "not-opted-in"):
        yield (
            f"{region} is not enabled in this account. Type: aws account enable-region --region-name {region}, and wait "
            f"until aws account get-region-opt-status --region-name {region} prints ENABLED; or set another region in "
            "environments.toml."
        )
    places = {(stack.name, stack.region) for stack in stacks}
    for name, region in sorted(places):
        for other in regions:
            if (name, other) not in places and _is_deployed(clients("cloudformation", other), name):
                yield (
                    f"{name} is deployed in {other}; the templates deploy it in {region}, and a stack cannot move. Set "
                    "the regions and `control` in environments.toml as they were, or deploy another environment and copy "
                    "the data."
                )


def _is_deployed(client: Any, name: str) -> bool:  # noqa: ANN401 - boto3's client
    try:
        (found,) = client.describe_stacks(StackName=name)["Stacks"]
    except (ClientError, BotoCoreError):
        return False  # not deployed, or not readable
    return str(found["StackStatus"]) not in {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"}


def _line(quota: Quota, place: str, needed: int, clients: Clients) -> Line:
    region = _GLOBAL_REGION if place == "global" else place
    try:
        return Line(quota.name, place, needed, quota.read(clients, region, quota.request), quota.request)
    except (ClientError, BotoCoreError) as error:
        return Line(quota.name, place, needed, None, why=_reason(error))


def _new_resources(stack: Stack, clients: Clients) -> dict[str, Mapping[str, Any]]:
    """Return the resources that a deployment creates: those of the template that the deployed stack lacks."""
    try:
        pages = clients("cloudformation", stack.region).get_paginator("list_stack_resources").paginate(StackName=stack.name)
        there = {each["LogicalResourceId"] for page in pages for each in page["StackResourceSummaries"]}
    except (ClientError, BotoCoreError):
        there = set()  # not deployed, or not readable: everything counts as new
    return {logical_id: each for logical_id, each in stack.resources.items() if logical_id not in there}


def save_deployed(stacks: Sequence[Stack], clients: Clients, folder: Path) -> None:
    """Write the template of each deployed stack, under the name of its file in the assembly.

    Raises:
        ClientError: AWS refuses for a reason other than a missing stack.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for stack in stacks:
        try:
            found = clients("cloudformation", stack.region).get_template(StackName=stack.name, TemplateStage="Original")
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":
                continue  # CloudFormation's answer where there is no such stack
            raise
        body = found["TemplateBody"]
        (folder / stack.file).write_text(body if isinstance(body, str) else json.dumps(body), "utf-8")


def _concurrency(stacks: Sequence[Stack], region: str, clients: Clients) -> Line:
    """Compare the functions' reservations with the account's free concurrency. Existing reservations count as free."""
    reserved = {
        str(each["Properties"].get("FunctionName", logical_id)): int(each["Properties"]["ReservedConcurrentExecutions"])
        for stack in stacks
        for logical_id, each in stack.resources.items()
        if each["Type"] == _FUNCTION and "ReservedConcurrentExecutions" in each.get("Properties", {})
    }
    needed = sum(reserved.values())
    name, request = "Lambda concurrent executions", "lambda/L-B99A9384"
    try:
        client = clients("lambda", region)
        limits = client.get_account_settings()["AccountLimit"]
        held = sum(_held(client, function) for function in reserved)
    except (ClientError, BotoCoreError) as error:
        return Line(name, region, needed, None, why=_reason(error))
    limit, unreserved = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    reading = Reading(limit=limit, used=limit - unreserved - held)
    return Line(name, region, needed, reading, request, kept_free=UNRESERVED_MINIMUM)


def _held(client: Any, function: str) -> int:  # noqa: ANN401 - boto3's client
    try:
        return int(client.get_function_concurrency(FunctionName=function).get("ReservedConcurrentExecutions", 0))
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return 0
        raise


def _of_service_quotas(count: Callable[[Clients, str], int]) -> Callable[[Clients, str, str], Reading]:
    """Return a function that reads the applied limit from Service Quotas, or else AWS's default."""

    def read(clients: Clients, region: str, request: str) -> Reading:
        service, _, code = request.partition("/")
        quotas = clients("service-quotas", region)
        try:
            found = quotas.get_service_quota(ServiceCode=service, QuotaCode=code)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchResourceException":
                raise
            found = quotas.get_aws_default_service_quota(ServiceCode=service, QuotaCode=code)
        return Reading(limit=found["Quota"]["Value"], used=count(clients, region))

    return read


def _paged(service: str, operation: str, key: str, **arguments: Any) -> Callable[[Clients, str], int]:  # noqa: ANN401
    def count(clients: Clients, region: str) -> int:
        pages = clients(service, region).get_paginator(operation).paginate(**arguments)
        return sum(len(page.get(key, ())) for page in pages)

    return count


def _route53(limit_type: str) -> Callable[[Clients, str, str], Reading]:
    def read(clients: Clients, region: str, _request: str) -> Reading:
        found = clients("route53", region).get_account_limit(Type=limit_type)
        return Reading(limit=found["Limit"]["Value"], used=found["Count"])

    return read


def _iam(kind: str) -> Callable[[Clients, str, str], Reading]:
    def read(clients: Clients, region: str, _request: str) -> Reading:
        summary = clients("iam", region).get_account_summary()["SummaryMap"]
        return Reading(limit=summary[f"{kind}Quota"], used=summary[kind])

    return read


def _trails(clients: Clients, region: str, _request: str) -> Reading:
    """Return the limit and use of trails. A multi-region trail counts in each region, by its shadow trail."""
    found = clients("cloudtrail", region).describe_trails(includeShadowTrails=True).get("trailList", ())
    most = 5  # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html; it cannot be raised
    return Reading(limit=most, used=len(found))


def _is_gateway(properties: Properties) -> bool:
    return str(properties.get("VpcEndpointType", "Gateway")) == "Gateway"


QUOTAS: Final = (
    Quota(
        name="VPCs",
        types=frozenset({"AWS::EC2::VPC"}),
        read=_of_service_quotas(_paged("ec2", "describe_vpcs", "Vpcs")),
        request="vpc/L-F678F1CE",
    ),
    Quota(
        name="Gateway VPC endpoints",
        types=frozenset({"AWS::EC2::VPCEndpoint"}),
        counts=_is_gateway,
        read=_of_service_quotas(
            _paged(
                "ec2",
                "describe_vpc_endpoints",
                "VpcEndpoints",
                Filters=[{"Name": "vpc-endpoint-type", "Values": ["Gateway"]}],
            )
        ),
        request="vpc/L-1B52E74A",
    ),
    Quota(
        name="VPC security groups",
        types=frozenset({"AWS::EC2::SecurityGroup"}),
        read=_of_service_quotas(_paged("ec2", "describe_security_groups", "SecurityGroups")),
        request="vpc/L-E79EC296",
    ),
    Quota(
        name="DynamoDB tables",
        types=frozenset({"AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table"}),
        read=_of_service_quotas(_paged("dynamodb", "list_tables", "TableNames")),
        request="dynamodb/L-F98FE922",
    ),
    Quota(
        name="EventBridge rules of the default bus",
        types=frozenset({"AWS::Events::Rule"}),
        read=_of_service_quotas(_paged("events", "list_rules", "Rules")),
        request="events/L-244521F2",
    ),
    Quota(name="CloudTrail trails", types=frozenset({"AWS::CloudTrail::Trail"}), read=_trails),
    Quota(
        name="S3 buckets",
        types=frozenset({"AWS::S3::Bucket"}),
        read=_of_service_quotas(_paged("s3", "list_buckets", "Buckets")),
        request="s3/L-DC2B2D3D",
        is_global=True,
    ),
    Quota(
        name="Route 53 health checks",
        types=frozenset({"AWS::Route53::HealthCheck"}),
        read=_route53("MAX_HEALTH_CHECKS_BY_OWNER"),
        request="route53/L-ACB674F3",
        is_global=True,
    ),
    Quota(
        name="Route 53 hosted zones",
        types=frozenset({"AWS::Route53::HostedZone"}),
        read=_route53("MAX_HOSTED_ZONES_BY_OWNER"),
        request="route53/L-4EA4796A",
        is_global=True,
    ),
    Quota(
        name="IAM roles",
        types=frozenset({"AWS::IAM::Role"}),
        read=_iam("Roles"),
        request="iam/L-FE177D64",
        is_global=True,
    ),
    Quota(
        name="IAM managed policies",
        types=frozenset({"AWS::IAM::ManagedPolicy"}),
        read=_iam("Policies"),
        request="iam/L-E95E4862",
        is_global=True,
    ),
)
"""The quotas that the platform's resource types count against, with the codes that Service Quotas gives them.

Quotas whose default the platform cannot reach (alarms, topics, keys, secrets, log groups) are left out.
"""


def _reason(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {error.response['Error']['Code']}"
    return str(error)


def _table(lines: Sequence[Line]) -> Table:
    table = Table(title="Quotas", title_justify="left")
    for heading in ("quota", "region"):
        table.add_column(heading)
    for heading in ("limit", "in use", "kept free", "to create", "verdict"):
        table.add_column(heading, justify="right")
    colours = {Verdict.ENOUGH: "green", Verdict.TOO_SMALL: "bold red", Verdict.UNKNOWN: "yellow"}
    for line in lines:
        limit, used = (f"{line.reading.limit:,.0f}", f"{line.reading.used:,.0f}") if line.reading else ("?", "?")
        verdict = f"[{colours[line.verdict]}]{line.verdict}[/]"
        table.add_row(line.quota, line.region, limit, used, str(line.kept_free or ""), str(line.needed), verdict)
    return table


def report(lines: Sequence[Line], console: Console) -> bool:
    """Print the table and the commands to type; return whether every readable quota is large enough."""
    console.print(_table(lines))
    small = [line for line in lines if line.verdict is Verdict.TOO_SMALL]
    for line in lines:
        if line.verdict is Verdict.UNKNOWN:
            console.print(f"{line.quota} in {line.region} could not be read ({line.why}).", markup=False, soft_wrap=True)
    for line in small:
        console.print(
            f"\n{line.quota} in {line.region}: {line.wanted:,} are needed. Request them:", markup=False, soft_wrap=True
        )
        console.print(f"  {line.command or 'AWS does not raise this limit; delete some.'}", markup=False, soft_wrap=True)
        if line.quota.startswith("Lambda"):
            console.print(
                '  Or drop the reservations: set limits.*_concurrency = "none" in environments.toml (docs/settings.md).',
                markup=False,
                soft_wrap=True,
            )
    return not small


def main(
    assembly: Annotated[Path, typer.Argument(help="Folder that `nox -s synth` writes.")] = Path("cdk.out"),
    profile: Annotated[str | None, typer.Option(help="The AWS profile to use.")] = None,
    deployed: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write the templates of the deployed stacks to this folder.")
    ] = None,
) -> None:
    """Compare the account's quotas, in each region of the templates, with the resources that a deployment creates.

    Reads limits and counts only. Exit status: 0 enough, 1 a quota is too small or a region cannot be used, 2 the check could
    not run.
    """
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    try:
        stacks = read_assembly(assembly)
        session = boto3.Session(profile_name=profile)
        mine = session.client("sts", region_name=stacks[0].region, config=_CONFIG).get_caller_identity()["Account"]
    except AssemblyError as error:
        errors.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    except (BotoCoreError, ClientError) as error:
        errors.print(f"AWS returned no account: {error}. Log in, or type --profile NAME.", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    foreign = sorted({stack.account for stack in stacks if stack.account not in {None, mine}} - {None})
    if foreign:
        errors.print(
            f"The templates are for account {', '.join(map(str, foreign))}; these credentials belong to {mine}. "
            "Log in to that account, or correct `account` in environments.toml.",
            markup=False,
            soft_wrap=True,
        )
        raise typer.Exit(2)
    console.print(f"Account {mine}: reading quotas in {', '.join(sorted({stack.region for stack in stacks}))} ...")
    known: dict[tuple[str, str], Any] = {}

    def clients(service: str, region: str) -> Any:  # noqa: ANN401 - boto3's client
        if (service, region) not in known:
            known[service, region] = session.client(service, region_name=region, config=_CONFIG)  # type: ignore[call-overload]
        return known[service, region]

    refusals = list(unusable_regions(stacks, clients))
    errors.print(*refusals, sep="\n", end="\n" * bool(refusals), markup=False, soft_wrap=True)
    enough = not refusals and report(list(check(stacks, clients)), console)
    if deployed:
        try:
            save_deployed(stacks, clients, deployed)
        except (BotoCoreError, ClientError) as error:
            errors.print(
                f"The deployed templates cannot be read: {error}. Allow cloudformation:GetTemplate, as ReadOnlyAccess does.",
                markup=False,
                soft_wrap=True,
            )
            raise typer.Exit(2) from error
    if not enough:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
