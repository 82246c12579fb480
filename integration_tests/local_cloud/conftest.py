"""Fixtures: one local cloud for the whole run. Each test deploys its own stacks and does not change others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from integration_tests.local_cloud.stacks_for_tests import EAST, WEST
from local_cloud import LocalCloud
from local_cloud.fault_injector import USUAL_LAG_SECONDS
from local_cloud.hazards import HAZARDS

if TYPE_CHECKING:
    from collections.abc import Iterator

FACTOR: Final = 20.0
MINUTE: Final = 60 / FACTOR
"""Seconds of a minute in the fast cloud."""


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    """A running local cloud without hazards; a test of a hazard sets its strength."""
    with LocalCloud.start(calm=True) as running:
        yield running


@pytest.fixture
def disturbed(cloud: LocalCloud) -> Iterator[LocalCloud]:
    """The cloud; changes of its regions and of replication are undone after each test."""
    yield cloud
    cloud.partition(cut=False)
    cloud.set_outage("refuse")
    cloud.set_replication_lag(USUAL_LAG_SECONDS)
    for hazard in HAZARDS:
        cloud.set_hazard(hazard, 0)
    for region in (EAST, WEST):
        cloud.region_up(region)
        cloud.region_unstall(region)
        cloud.set_throttle(region, 0)
        cloud.set_crash(region, "any", "any", 0)
        cloud.set_lost_answers(region, 0)


@pytest.fixture(scope="session")
def fast() -> Iterator[LocalCloud]:
    """A cloud whose minutes take three seconds, with running health checkers."""
    with LocalCloud.start(time_factor=FACTOR, health_checkers=True, calm=True) as running:
        yield running
