"""Run the tests on the local cloud, after deploying the platform there."""

from __future__ import annotations

from infra.settings import Settings
from integration_tests.e2e.tests_process import run_tests
from local_cloud.testbed.commands import Commands
from local_cloud.testbed.local_platform import local_platform
from local_cloud.testbed.run_folder import RunFolder
from reporting.progress import Steps


def run_local(settings: Settings, folder: RunFolder, steps: Steps, commands: Commands) -> int:
    """Deploy, test, and return pytest's exit status: 0 only if every test passed.

    Raises:
        RunFailure: A step before the tests failed.
    """
    with local_platform(settings, folder, steps, commands) as (target, _):
        return run_tests(target, folder, commands)
