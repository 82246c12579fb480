"""Deploy the platform, change it by hand in hundreds of places, and test that the drift report shows each and no other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from rich.console import Console

from compliance.cfn.loading import load_assembly
from compliance.live.drift import Comparison, read_stacks
from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.out_of_band import GONE, UNDECLARED, seeds
from local_cloud import LocalCloud
from local_cloud.testbed.local_platform import deployed, zones_of
from local_cloud.testbed.run_folder import CHECKOUT
from operations.settings_file import read_settings
from operations.target import Target
from reporting.progress import Steps

POLICY: Final = CHECKOUT / ".github" / "drift-role-permissions.json"


@pytest.fixture(scope="module")
def platform() -> Iterator[tuple[LocalCloud, Target]]:
    settings = read_settings("prod")
    with (
        LocalCloud.start(account=settings.account, calm=True, hosted_zones=zones_of(settings)) as cloud,
        deployed(settings, cloud, Steps(Console(quiet=True))) as target,
    ):
        yield cloud, target


def test_drift_report_shows_each_change_by_hand_and_no_other(
    platform: tuple[LocalCloud, Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud, target = platform
    assembly = Path(str(target.templates))
    for name, value in {**cloud.aws_variables(), **_as_auditor(cloud)}.items():
        monkeypatch.setenv(name, value)
    before = _drift(target, assembly)
    assert _shown(before) == set()
    assert _open(_report(target, assembly, tmp_path / "before")) == {}

    made = set()
    for seed in seeds([one.resource for one in before]):
        seed.change(seed.resource)
        made.add((str(seed.resource), seed.place))
    assert len(made) >= 200
    assert _shown(_drift(target, assembly)) == made

    found = _open(_report(target, assembly, tmp_path / "after"))
    assert {
        "ActivePassive::ActivePassive-DynamoDBDeletion",
        "ActivePassive::ActivePassive-IAMTrust",
        "ActivePassive::ActivePassive-VPCIngress",
        "AwsSolutions::AwsSolutions-KMS5",
        "AwsSolutions::AwsSolutions-S2",
    } <= found.keys()


def _drift(target: Target, assembly: Path) -> list[Comparison]:
    found = list(read_stacks(target, load_assembly(assembly).templates).comparisons)
    assert not [one for one in found if one.unread]
    return found


def _shown(comparisons: list[Comparison]) -> set[tuple[str, str]]:
    found = set()
    for one in comparisons:
        places = [each.place.partition(".")[0].partition("[")[0] for each in one.differences]
        undeclared = [UNDECLARED + kind for kind, _ in one.undeclared]
        found |= {(str(one.resource), place) for place in (*places, *undeclared, *([GONE] if one.gone else []))}
    return found


def _open(report: dict[str, Any]) -> dict[str, str]:
    """Return the last message of each rule with an open finding."""
    found = (one for one in report["findings"] if one["verdict"] in {"FAIL", "NOT_EVALUATED"})
    return {one["rule"]: one["message"] for one in found}


def _as_auditor(cloud: LocalCloud) -> dict[str, str]:
    """Return the credentials of a role that has the shipped policy and nothing else."""
    iam, account = cloud.client("iam"), cloud.account
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="auditor", AssumeRolePolicyDocument=json.dumps(cfn.policy_document(trust)))
    iam.put_role_policy(
        RoleName="auditor", PolicyName="drift", PolicyDocument=POLICY.read_text("utf-8").replace("ACCOUNT", account)
    )
    held = cloud.client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/auditor", RoleSessionName="drift")
    keys = held["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def _report(target: Target, assembly: Path, output: Path) -> dict[str, Any]:
    """Run the command with the role's credentials, and return its report."""
    arguments = ["--account", target.account, "--assembly", str(assembly), "--format", "json", "--output", str(output)]
    command = [sys.executable, "-m", "compliance.live", *arguments]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert ended.returncode in {0, 1}, ended.stderr
    report: dict[str, Any] = json.loads((output / "report.json").read_text("utf-8"))
    return report
