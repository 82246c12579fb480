"""Our own app passes, and each of these damages to its templates fails."""

import copy
import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from compliance import gate
from compliance.engine.acknowledgements import DEFAULT_FILE, read_registry
from compliance.engine.findings import Findings
from compliance.rules import our_rules
from infra.app import build_app
from infra.bundling import REPOSITORY
from infra.settings import Settings

TODAY = date(2026, 11, 24)
FACTS = {"environment": ("prod",), "region": ("us-east-1", "us-west-2"), "protected": ("true",)}
Resources = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prod's cloud assembly, ungated, with the functions' code without its libraries."""
    folder = tmp_path_factory.mktemp("assembly")
    asset = folder / "asset"
    shutil.copytree(REPOSITORY / "handlers", asset / "handlers")
    build_app(settings=Settings(environment="prod"), outdir=str(folder / "cdk.out"), asset=asset).synth()
    return folder / "cdk.out"


def _judge(assembly: Path) -> Findings:
    return gate.judge_assembly(assembly, "prod", read_registry(DEFAULT_FILE, TODAY), TODAY, print)


def _of_type(resources: Resources, kind: str) -> dict[str, Any]:
    properties: dict[str, Any] = next(found for found in resources.values() if found["Type"] == kind)["Properties"]
    return properties


@pytest.fixture(scope="module")
def ledger(assembly: Path) -> Findings:
    """Return the findings of our own app."""
    return _judge(assembly)


def test_own_app_passes_with_every_decision_in_use(ledger: Findings) -> None:
    assert [(row.rule, row.path, row.message) for row in ledger.failures] == []
    decisions = read_registry(DEFAULT_FILE, TODAY).decisions
    documents = [DEFAULT_FILE.parents[1] / decision.ticket for decision in decisions if decision.ticket.startswith("docs/")]
    assert [file for file in documents if not file.is_file()] == []
    here = [decision for decision in decisions if "prod" in (decision.met_in or ["prod"])]
    meant = {decision.id for decision in here if decision.is_for(FACTS)}
    # A fork's prod may set alarms_email, so that the decision about it is unused there.
    assert meant | {"alarms-email-is-the-adopters"} == {use.id for use in ledger.decisions if use.acknowledged}
    assert len(ledger.subjects) == 6


def test_rule_that_judges_most_types_covers_none(ledger: Findings) -> None:
    """Such a rule needs the types `*`, because every type would otherwise count as covered."""
    types = defaultdict(set)
    for row in ledger.findings:
        types[row.rule].add(row.resource_type)

    assert [rule for rule, looked_at in types.items() if len(looked_at) > 12 and ledger.rules[rule].covers] == []
    assert {rule.id for rule in our_rules() if rule.id.startswith("ActivePassive-") and not rule.info.covers} == {
        "ActivePassive-CrossRegionReferences",
        "ActivePassive-CrossRegionOutputs",
        "ActivePassive-CrossRegionSymmetry",
        "ActivePassive-IAMStranger",
        # It checks the name of a key, not its use, although few types have one today.
        "ActivePassive-KMSNamed",
    }


def _drop_a_tag(resources: Resources) -> None:
    _of_type(resources, "AWS::SQS::Queue")["Tags"].pop()


def _drop_a_replica_s_tag(resources: Resources) -> None:
    _of_type(resources, "AWS::DynamoDB::GlobalTable")["Replicas"][1]["Tags"].pop()


def _rename(resources: Resources) -> None:
    _of_type(resources, "AWS::SQS::Queue")["QueueName"] = "serverless-inbox-prod"


def _drop_the_queue_s_key(resources: Resources) -> None:
    properties = _of_type(resources, "AWS::SQS::Queue")
    properties.pop("KmsMasterKeyId")
    properties["SqsManagedSseEnabled"] = False


def _drop_the_log_group_s_key(resources: Resources) -> None:
    del _of_type(resources, "AWS::Logs::LogGroup")["KmsKeyId"]


def _drop_versioning(resources: Resources) -> None:
    del _of_type(resources, "AWS::S3::Bucket")["VersioningConfiguration"]


def _open_a_bucket(resources: Resources) -> None:
    _of_type(resources, "AWS::S3::Bucket")["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] = False


def _drop_bucket_policies(resources: Resources) -> None:
    for name in [name for name, resource in resources.items() if resource["Type"] == "AWS::S3::BucketPolicy"]:
        del resources[name]


def _open_the_default_group(resources: Resources) -> None:
    for resource in resources.values():  # others depend on it, so it stays and closes nothing
        if resource["Type"] == "Custom::VpcRestrictDefaultSG":
            resource["Type"] = "Custom::Nothing"


def _drop_validation(resources: Resources) -> None:
    _of_type(resources, "AWS::CloudTrail::Trail")["EnableLogFileValidation"] = False


def _allow_everything(resources: Resources) -> None:
    _of_type(resources, "AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"][0]["Action"] = "s3:*"


def _misspell(resources: Resources) -> None:
    _of_type(resources, "AWS::SQS::Queue")["KmsMasterKey"] = "x"


def _record_rejected_traffic_only(resources: Resources) -> None:
    _of_type(resources, "AWS::EC2::FlowLog")["TrafficType"] = "REJECT"


def _let_the_table_go(resources: Resources) -> None:
    table = next(found for found in resources.values() if found["Type"] == "AWS::DynamoDB::GlobalTable")
    table["DeletionPolicy"] = "Delete"


def _let_replaced_queues_go(resources: Resources) -> None:
    for queue in [found for found in resources.values() if found["Type"] == "AWS::SQS::Queue"]:
        del queue["UpdateReplacePolicy"]


DAMAGES: tuple[tuple[str, Callable[[Resources], None], str], ...] = (
    ("PrimaryRegional", _drop_a_tag, "Tagging::Tagging-Required"),
    ("Data", _drop_a_replica_s_tag, "Tagging::Tagging-Required"),
    ("SecondaryRegional", _rename, "Naming::Naming-Regions"),
    ("PrimaryRegional", _drop_the_queue_s_key, "AwsSolutions::AwsSolutions-SQS2"),
    ("PrimaryRegional", _drop_the_log_group_s_key, "NIST.800.53.R5::NIST.800.53.R5-CloudWatchLogGroupEncrypted"),
    ("PrimaryRegional", _drop_versioning, "PCI.DSS.321::PCI.DSS.321-S3BucketVersioningEnabled"),
    ("PrimaryRegional", _open_a_bucket, "AwsSolutions::AwsSolutions-S2"),
    ("PrimaryRegional", _drop_bucket_policies, "AwsSolutions::AwsSolutions-S10"),
    ("PrimaryRegional", _open_the_default_group, "PCI.DSS.321::PCI.DSS.321-VPCDefaultSecurityGroupClosed"),
    ("Data", _drop_validation, "NIST.800.53.R5::NIST.800.53.R5-CloudTrailLogFileValidationEnabled"),
    ("PrimaryRegional", _allow_everything, "AwsSolutions::AwsSolutions-IAM5[Action::s3:*]"),
    ("PrimaryRegional", _misspell, "CloudFormation::F3002"),
    ("PrimaryRegional", _record_rejected_traffic_only, "ActivePassive::ActivePassive-VPCFlowLog"),
    ("Data", _let_the_table_go, "ActivePassive::ActivePassive-CrossRegionRetention"),
    ("SecondaryRegional", _let_replaced_queues_go, "ActivePassive::ActivePassive-CrossRegionRetention"),
)


@pytest.fixture(scope="module")
def failures(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[set[tuple[str, str]], ...]:
    """Return the stack and rule of each failure, after every other damage and after the rest.

    A run takes seconds, so damages are applied together. A finding belongs to a damage if the other half lacks it.
    """
    return tuple(_failures_after(DAMAGES[half::2], assembly, tmp_path_factory.mktemp("damaged")) for half in (0, 1))


def _failures_after(
    damages: Iterable[tuple[str, Callable[[Resources], None], str]], assembly: Path, folder: Path
) -> set[tuple[str, str]]:
    damaged = Path(shutil.copytree(assembly, folder / "cdk.out", ignore=shutil.ignore_patterns("asset.*")))
    for stack, damage, _ in damages:
        file = damaged / f"{stack}.template.json"
        template = json.loads(file.read_text())
        before = copy.deepcopy(template)
        damage(template["Resources"])
        assert template != before
        file.write_text(json.dumps(template))
    return {(row.stack, row.rule) for row in _judge(damaged).failures}


@pytest.mark.parametrize(
    "number", range(len(DAMAGES)), ids=lambda number: f"{DAMAGES[number][0]}{DAMAGES[number][1].__name__}"
)
def test_damage_fails_its_rule(number: int, failures: tuple[set[tuple[str, str]], ...]) -> None:
    stack, _, rule = DAMAGES[number]
    half = number % 2
    assert (stack, rule) in failures[half]
    assert (stack, rule) not in failures[1 - half]
