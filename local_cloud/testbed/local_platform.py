"""The platform on a local cloud, step by step: start, bootstrap while templates are synthesized and judged, deploy.

The end-to-end run tests the deployed platform; the drill fails it over.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final

from infra import cdk_cli
from infra.settings import Settings
from local_cloud import LocalCloud, LocalCloudError
from local_cloud.hazards import SEED_VARIABLE
from local_cloud.testbed.cdk_cli import Assembly, CdkCli
from local_cloud.testbed.commands import Commands
from local_cloud.testbed.run_folder import CHECKOUT, RunFolder
from operations.account_check import prove_local
from operations.errors import RunFailure
from operations.target import Mode, Target
from reporting.progress import Steps

_INHERITED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV")

_SYNTHESIS: Final = """
import sys
from infra.app import build_app
from infra.bundling import BundlingError
try:
    app = build_app()
except BundlingError as error:
    sys.exit(str(error))
app.synth()
"""
"""Program that synthesizes as `python -m infra` does, without its gate, because a later step judges the assembly."""


_CALLER: Final = "lockstep-tests"
_SOURCES: Final = ("e2e-*", "drill-*")
"""Sources of the uploads of end-to-end runs and drills."""


@contextlib.contextmanager
def local_platform(
    settings: Settings,
    folder: RunFolder,
    steps: Steps,
    commands: Commands,
    *,
    time_factor: float = 1.0,
    health_checkers: bool = False,
) -> Iterator[tuple[Target, LocalCloud]]:
    """Deploy the platform to a new local cloud. At the end of the block, stop the cloud and keep its log."""
    with steps:
        cloud = _start(settings, steps, time_factor, health_checkers=health_checkers)
    try:
        with cloud:
            try:
                with steps:
                    target = deploy_platform(settings, cloud, folder, steps, commands)
                yield target, cloud
            finally:
                _keep_log(cloud, folder)
    finally:
        folder.tidy()


def deploy_platform(settings: Settings, cloud: LocalCloud, folder: RunFolder, steps: Steps, commands: Commands) -> Target:
    """Synthesize, judge, bootstrap and deploy the platform to a running cloud that is empty.

    Args:
        settings: Of the environment to deploy; its account is the cloud's.
        cloud: A running cloud.
        folder: Where templates and logs go.
        steps: Shows how far it is.
        commands: Runs the programs.

    Raises:
        RunFailure: A step failed.
    """
    assembly = _prepare(settings, cloud, folder, steps, commands)
    target = _target(settings, assembly, cloud, folder)
    if boundary := settings.iam.permissions_boundary:
        _make_boundary(target, boundary)
    _deploy(assembly, cloud, folder, steps, commands)
    prove_local(target)
    if target.caller:
        _make_caller(target)
    return target


@contextlib.contextmanager
def deployed(settings: Settings, cloud: LocalCloud, steps: Steps) -> Iterator[Target]:
    """Deploy the platform to a running cloud. Until the block ends, a folder of its own keeps the templates and the code.

    Raises:
        RunFailure: A step failed.
    """
    folder = RunFolder.make()
    try:
        with Commands() as commands, steps:
            target = deploy_platform(settings, cloud, folder, steps, commands)
        yield target
    finally:
        folder.tidy()


def zones_of(settings: Settings) -> dict[str, str]:
    """Return the public hosted zone that exists before the platform: its name by its id."""
    return {domain.hosted_zone_id: domain.name} if (domain := settings.domain) else {}


def _start(settings: Settings, steps: Steps, time_factor: float, *, health_checkers: bool) -> LocalCloud:
    with steps.step("start the local cloud") as step:
        try:
            cloud = LocalCloud.start(
                account=settings.account,
                time_factor=time_factor,
                health_checkers=health_checkers,
                hosted_zones=zones_of(settings),
            )
        except LocalCloudError as error:
            raise RunFailure(str(error)) from error
        step.conclude(f"{cloud.endpoint_url}, {_hazards(cloud)}")
        return cloud


def _hazards(cloud: LocalCloud) -> str:
    """Return a text on how to repeat the same hazards."""
    health = cloud.health()
    return f"{SEED_VARIABLE}={health['seed']}" if any(health["hazards"].values()) else "without hazards"


def _prepare(settings: Settings, cloud: LocalCloud, folder: RunFolder, steps: Steps, commands: Commands) -> Assembly:
    """Synthesize and judge while the empty cloud is bootstrapped. The deployment comes after both."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        judged = pool.submit(_synthesize_and_judge, settings, folder, steps, commands)
        bootstrapped = pool.submit(_bootstrap, settings, cloud, folder, steps, commands)
        try:
            for one in as_completed((judged, bootstrapped)):
                one.result()
        except BaseException:
            commands.stop()
            raise
        return judged.result()


def _synthesize_and_judge(settings: Settings, folder: RunFolder, steps: Steps, commands: Commands) -> Assembly:
    assembly = _synthesize(settings, folder, steps, commands)
    _judge(settings.environment, assembly, folder, steps, commands)
    return assembly


def _synthesize(settings: Settings, folder: RunFolder, steps: Steps, commands: Commands) -> Assembly:
    with steps.step("synthesize both regions") as step:
        context = {
            "environment": settings.environment,
            "account": settings.account,
            "bundle": "host",
            **_with_records(settings),
            **_with_caller(settings),
        }
        commands.run_logged(
            [sys.executable, "-c", _SYNTHESIS],
            what="The synthesis",
            log=folder.log("synthesize"),
            cwd=CHECKOUT,
            env=_offline(folder, {"CDK_OUTDIR": str(folder.assembly), "CDK_CONTEXT_JSON": json.dumps(context)}),
            each_line=step.say,
        )
        assembly = Assembly.read(folder.assembly)
        step.conclude(f"{len(assembly.regions)} stacks")
        return assembly


def _with_records(settings: Settings) -> dict[str, object]:
    """Return the settings with client VPCs if they have no failover records, so that DNS is tested too."""
    if settings.domain or settings.client_vpcs:
        return {}
    regions = (settings.primary_region, settings.secondary_region)
    return {"client_vpcs": {region: [f"vpc-0000000000000000{number}"] for number, region in enumerate(regions)}}


def _with_caller(settings: Settings) -> dict[str, object]:
    """Bind the sources of tests and drills to their own role, if the settings bind sources to callers."""
    own = [f"{source}={_caller(settings)}" for source in _SOURCES]
    return {"callers": [*settings.callers, *own]} if settings.callers else {}


def _caller(settings: Settings) -> str:
    return f"arn:aws:iam::{settings.account}:role/{_CALLER}"


def _make_caller(target: Target) -> None:
    """Create the role that calls the API, which the account may assume."""
    iam = target.client("iam", target.secondary)
    trust = {"Effect": "Allow", "Principal": {"AWS": target.account}, "Action": "sts:AssumeRole"}
    invoke = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
    iam.create_role(RoleName=_CALLER, AssumeRolePolicyDocument=_policy(trust))
    iam.put_role_policy(RoleName=_CALLER, PolicyName="invoke", PolicyDocument=_policy(invoke))


def _make_boundary(target: Target, arn: str) -> None:
    """Create the policy that bounds every role, as an account that demands one has it; this one allows everything."""
    path, _, name = arn.partition(":policy")[2].rpartition("/")
    everything = _policy({"Effect": "Allow", "Action": "*", "Resource": "*"})
    target.client("iam", target.secondary).create_policy(PolicyName=name, Path=f"{path}/", PolicyDocument=everything)


def _policy(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _judge(environment: str, assembly: Assembly, folder: RunFolder, steps: Steps, commands: Commands) -> None:
    with steps.step("judge the templates (the gate)") as step:
        # Not all formats: the evidence, with the whole assembly and ledger in it, takes 60 MB.
        formats = ("--format", "summary", "--format", "html")
        command = [sys.executable, "-m", "compliance", "--assembly", str(assembly.folder), *formats]
        commands.run_logged(
            [*command, "--environment", environment, "--output", str(folder.path / "compliance")],
            what="The gate (python -m compliance)",
            log=folder.log("gate"),
            cwd=CHECKOUT,
            env=_offline(folder, {}),
            hint="Nothing was deployed. `python -m compliance` shows the findings; fix them in infra/.",
        )
        step.conclude("no findings")


def _bootstrap(settings: Settings, cloud: LocalCloud, folder: RunFolder, steps: Steps, commands: Commands) -> None:
    regions = (settings.primary_region, settings.secondary_region)
    with steps.step("bootstrap both regions") as step:
        cli = CdkCli(commands, cloud, folder.path / "cdk", folder.scratch)
        cli.bootstrap(regions, log=folder.log("bootstrap"), say=step.say)
        step.conclude(", ".join(regions))


def _deploy(assembly: Assembly, cloud: LocalCloud, folder: RunFolder, steps: Steps, commands: Commands) -> None:
    with steps.step("cdk deploy --all") as step:
        cli = CdkCli(commands, cloud, folder.path / "cdk", folder.scratch)
        cli.deploy(assembly.folder, log=folder.log("deploy"), say=step.say)
        step.conclude(f"{len(assembly.regions)} stacks")


def _target(settings: Settings, assembly: Assembly, cloud: LocalCloud, folder: RunFolder) -> Target:
    return Target(
        mode=Mode.LOCAL,
        account=assembly.account,
        environment=settings.environment,
        primary=assembly.regions["PrimaryRegional"],
        secondary=assembly.regions["SecondaryRegional"],
        control=assembly.regions["Failover"],
        run_id=folder.run_id,
        endpoint_url=cloud.endpoint_url,
        api_url=cloud.api_url("{api_id}"),
        templates=str(assembly.folder),
        known_gaps=tuple((what, why) for what, why in cloud.known_gaps),
        secret_file=str(cloud.secret_file),
        caller=_caller(settings) if settings.callers else None,
        prefix=settings.prefix,
        is_protected=settings.is_protected,
    )


def _offline(folder: RunFolder, variables: dict[str, str]) -> dict[str, str]:
    """Return an environment without any AWS credentials."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return cdk_cli.environment(
        {**inherited, "TMPDIR": str(folder.scratch), "AWS_EC2_METADATA_DISABLED": "true", **variables}
    )


def _keep_log(cloud: LocalCloud, folder: RunFolder) -> None:
    """Copy the cloud's log before the cloud's folder is removed."""
    log: Path = cloud.log
    if log.exists():
        shutil.copyfile(log, folder.log("local_cloud"))
