"""The run on the local cloud, step by step: synthesize, judge, start, bootstrap, deploy, test."""

from __future__ import annotations

import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from infra import cdk_cli
from integration_tests.e2e.assembly import Assembly
from integration_tests.e2e.cdk_cli import CdkCli
from integration_tests.e2e.commands import Commands
from integration_tests.e2e.failure import RunFailure
from integration_tests.e2e.paths import CHECKOUT
from integration_tests.e2e.progress import Steps
from integration_tests.e2e.proof import prove_local
from integration_tests.e2e.run_folder import RunFolder
from integration_tests.e2e.target import Mode, Target
from integration_tests.e2e.tests_process import run_tests
from integration_tests.local_cloud import LocalCloud, LocalCloudError

_INHERITED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")


def run_local(environment: str, folder: RunFolder, steps: Steps, commands: Commands) -> int:
    """Do the whole run and return pytest's exit status: 0 only if everything held.

    Raises:
        RunFailure: A step before the tests failed.
    """
    with steps:
        assembly = _synthesize(environment, folder, steps, commands)
        cloud = _start(assembly, steps)
    with cloud:
        try:
            with steps:
                _judge_and_bootstrap(environment, assembly, cloud, folder, steps, commands)
                _deploy(assembly, cloud, folder, steps, commands)
            target = _target(environment, assembly, cloud, folder)
            prove_local(target)
            return run_tests(target, folder, commands)
        finally:
            _keep_log(cloud, folder)


def _synthesize(environment: str, folder: RunFolder, steps: Steps, commands: Commands) -> Assembly:
    with steps.step("synthesize both regions") as step:
        # Findings do not fail the synthesis: judging the templates is the next step, which shows them properly.
        go_on = {"@aws-cdk/core:failSynthOnValidationErrors": False}
        context = {"environment": environment, "bundle": "host", **go_on}
        commands.run_logged(
            [sys.executable, "-m", "infra.app"],
            what="The synthesis (python -m infra.app)",
            log=folder.log("synthesize"),
            cwd=CHECKOUT,
            env=_offline({"CDK_OUTDIR": str(folder.assembly), "CDK_CONTEXT_JSON": json.dumps(context)}),
            each_line=step.say,
        )
        assembly = Assembly.read(folder.assembly)
        step.conclude(f"{len(assembly.regions)} stacks")
        return assembly


def _start(assembly: Assembly, steps: Steps) -> LocalCloud:
    with steps.step("start the local cloud") as step:
        try:
            cloud = LocalCloud.start(account=assembly.account)
        except LocalCloudError as error:
            raise RunFailure(str(error)) from error
        step.conclude(cloud.endpoint_url)
        return cloud


def _judge_and_bootstrap(
    environment: str, assembly: Assembly, cloud: LocalCloud, folder: RunFolder, steps: Steps, commands: Commands
) -> None:
    """Run the gate while the empty cloud is bootstrapped; nothing of ours is deployed before both are done."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        both = (
            pool.submit(_judge, environment, assembly, folder, steps, commands),
            pool.submit(_bootstrap, assembly, cloud, folder, steps, commands),
        )
        try:
            for one in both:
                one.result()
        except BaseException:
            commands.stop()
            raise


def _judge(environment: str, assembly: Assembly, folder: RunFolder, steps: Steps, commands: Commands) -> None:
    with steps.step("judge the templates (the gate)") as step:
        command = [sys.executable, "-m", "compliance", "--assembly", str(assembly.folder)]
        commands.run_logged(
            [*command, "--environment", environment, "--output", str(folder.path / "compliance")],
            what="The gate (python -m compliance)",
            log=folder.log("gate"),
            cwd=CHECKOUT,
            env=_offline({}),
            hint="Nothing was deployed. `python -m compliance` shows the findings; mend them in infra/.",
        )
        step.conclude("no findings")


def _bootstrap(assembly: Assembly, cloud: LocalCloud, folder: RunFolder, steps: Steps, commands: Commands) -> None:
    regions = sorted(set(assembly.regions.values()))
    with steps.step("bootstrap both regions") as step:
        cli = CdkCli(commands, cloud, folder.path / "cdk")
        cli.bootstrap(regions, log=folder.log("bootstrap"), say=step.say)
        step.conclude(", ".join(regions))


def _deploy(assembly: Assembly, cloud: LocalCloud, folder: RunFolder, steps: Steps, commands: Commands) -> None:
    with steps.step("cdk deploy --all") as step:
        cli = CdkCli(commands, cloud, folder.path / "cdk")
        cli.deploy(assembly.folder, log=folder.log("deploy"), say=step.say)
        step.conclude(f"{len(assembly.regions)} stacks")


def _target(environment: str, assembly: Assembly, cloud: LocalCloud, folder: RunFolder) -> Target:
    return Target(
        mode=Mode.LOCAL,
        account=assembly.account,
        environment=environment,
        primary=assembly.regions["PrimaryRegional"],
        secondary=assembly.regions["SecondaryRegional"],
        control=assembly.regions["Failover"],
        run_id=folder.run_id,
        endpoint_url=cloud.endpoint_url,
        api_url=cloud.api_url("{api_id}"),
        templates=str(assembly.folder),
        not_faithful=tuple((what, why) for what, why in cloud.not_faithful),
    )


def _offline(variables: dict[str, str]) -> dict[str, str]:
    """An environment without any AWS credentials, for what needs none."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return cdk_cli.environment({**inherited, "AWS_EC2_METADATA_DISABLED": "true", **variables})


def _keep_log(cloud: LocalCloud, folder: RunFolder) -> None:
    """Keep the cloud's log when the cloud and its folder go."""
    log: Path = cloud.log
    if log.exists():
        shutil.copyfile(log, folder.log("local_cloud"))
