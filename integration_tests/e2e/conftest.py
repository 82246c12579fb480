"""Fixtures of the end-to-end tests: the deployment, and the corpus, uploaded once for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from integration_tests.e2e import report
from integration_tests.e2e.cleanup import clean_up, leftovers
from integration_tests.e2e.corpus import all_samples
from integration_tests.e2e.failover import Failover
from integration_tests.e2e.pushing import Pushed, push
from integration_tests.e2e.waiting import wait_until
from local_cloud.testbed.run_folder import TARGET_VARIABLE
from operations.command_line import end_with_parent
from operations.dead_letters import DeadLetter, DeadLetterQueue
from operations.deployment import Deployment
from operations.target import Mode, Target

_RUN: pytest.StashKey[report.Run] = pytest.StashKey()
_ORDER: Final = ("test_cut_off", "test_read_back", "test_promotion", "test_issuer", "test_files")
"""Order of the modules. Those that wait come first: a passive region reads a message again only after 15 seconds."""


def pytest_configure(config: pytest.Config) -> None:
    """Read the target, which names the cloud."""
    end_with_parent()
    config.addinivalue_line("markers", "local_only: needs the local cloud")
    config.addinivalue_line("filterwarnings", "ignore:.*:DeprecationWarning:botocore")
    file = os.environ.get(TARGET_VARIABLE)
    if file:
        config.stash[_RUN] = report.Run(Target.load(Path(file)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to run without a target, sort the tests, and skip tests that need the local cloud in a real account."""
    run = config.stash.get(_RUN, None)
    if run is None:
        raise pytest.UsageError(
            "These tests need a deployed platform. Type `lockstep e2e` (or `nox -s e2e`), which "
            f"deploys one and runs them; or set {TARGET_VARIABLE} to the target.json of a running platform."
        )
    # The first modules count the messages in queues, so modules that are not named come last.
    items.sort(key=lambda item: _ORDER.index(item.path.stem) if item.path.stem in _ORDER else len(_ORDER))
    for item in items:
        if run.target.mode is Mode.LIVE and item.get_closest_marker("local_only"):
            item.add_marker(pytest.mark.skip(reason="only on the local cloud"))


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> report.Run:
    """The run's target and results."""
    return request.config.stash[_RUN]


@pytest.fixture(scope="session")
def target(run: report.Run) -> Target:
    """The cloud under test."""
    return run.target


@pytest.fixture(scope="session")
def deployment(run: report.Run) -> Iterator[Deployment]:
    """The platform by its stack outputs; after the tests, everything that they made in it is removed."""
    deployment = Deployment.read(run.target)
    yield deployment
    run.cleanup = clean_up(deployment, run.made)
    # Each deletion replicates by itself and in its own time.
    is_removed = wait_until(run.target, lambda: not leftovers(deployment, run.made), patience=0.3)
    assert is_removed, f"the run could not remove what it made: {leftovers(deployment, run.made)}"
    # In an account, others may send files all the time.
    waiting = run.cleanup.waiting if run.target.mode is Mode.LOCAL else []
    assert not waiting, f"messages that nobody acknowledged: {waiting}"


@pytest.fixture(scope="session")
def corpus(request: pytest.FixtureRequest, run: report.Run, deployment: Deployment) -> dict[str, Pushed]:
    """The corpus, uploaded, by file name."""
    with report.saying(request.config) as say:
        push(deployment, all_samples(), run.pushed, say)
    return {one.sample.name: one for one in run.pushed}


@pytest.fixture(scope="session")
def failover(run: report.Run, deployment: Deployment) -> Iterator[Failover]:
    """A failover that has not begun; at the end the primary is active again, even after an error."""
    failover = Failover(deployment, run.failover)
    yield failover
    failover.end()


@pytest.fixture(scope="session")
def stranded(failover: Failover) -> Failover:
    """The failover, with files that were uploaded to the passive region while it was cut off."""
    failover.strand()
    return failover


@pytest.fixture(scope="session")
def promoted(stranded: Failover) -> Failover:
    """The failover, with the secondary promoted."""
    stranded.promote()
    return stranded


@pytest.fixture(scope="session")
def healed(promoted: Failover) -> Failover:
    """The failover, with the regions connected again."""
    promoted.heal()
    return promoted


@pytest.fixture(scope="session")
def failed_back(healed: Failover) -> Failover:
    """The failover, with the primary active again and files that were uploaded after that."""
    healed.fail_back()
    return healed


@pytest.fixture(scope="session")
def letters(corpus: dict[str, Pushed], deployment: Deployment) -> dict[str, list[DeadLetter]]:
    """The messages about this run's objects in each region's dead-letter queue."""
    assert corpus
    own = deployment.target.object_prefix, deployment.target.upload_prefix
    return {region: DeadLetterQueue(deployment, region).of_prefixes(*own) for region in deployment.target.regions}


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, the known gaps and the report's path; pytest's closing line follows."""
    run = config.stash.get(_RUN, None)
    if run:
        report.conclude(run, terminalreporter)
