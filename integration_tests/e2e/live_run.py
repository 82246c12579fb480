"""The run against a real account: prove which one, then run the same tests. It deploys nothing."""

from __future__ import annotations

from integration_tests.e2e.tests_process import run_tests
from local_cloud.testbed.commands import Commands
from local_cloud.testbed.run_folder import RunFolder
from operations.account_check import prove_live
from operations.deployment import Deployment
from operations.errors import Refused
from operations.target import Mode, Target
from reporting.progress import Steps


def run_live(target: Target, folder: RunFolder, steps: Steps, commands: Commands) -> int:
    """Prove the account and run the tests against what is deployed in it; return pytest's exit status.

    Raises:
        Refused: It is not AWS that answers, or another account.
        RunFailure: A stack is missing or not complete.
    """
    if target.mode is not Mode.LIVE or target.endpoint_url:
        raise Refused(f"This target is not for a live run: {target}.")
    with steps:
        with steps.step(f"prove that this is account {target.account}"):
            prove_live(target)
        with steps.step("find the stacks"):
            Deployment.read(target)
    return run_tests(target, folder, commands)
