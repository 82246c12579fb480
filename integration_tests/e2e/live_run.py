"""Run the tests against a real account, after a check that it is the named one; deploy nothing."""

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
    """Check the account, run the tests against its deployed stacks, and return pytest's exit status.

    Raises:
        Refused: The endpoint is not AWS, or the account is another one.
        RunFailure: A stack is missing or incomplete.
    """
    if target.mode is not Mode.LIVE or target.endpoint_url:
        raise Refused(f"This target is not for a live run: {target}.")
    with steps:
        with steps.step(f"check that this is account {target.account}"):
            prove_live(target)
        with steps.step("find the stacks"):
            Deployment.read(target)
    return run_tests(target, folder, commands)
