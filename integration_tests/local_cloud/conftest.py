"""One local cloud for the whole run: the tests deploy stacks of their own and leave each other's alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from integration_tests.local_cloud import LocalCloud

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    """A running local cloud."""
    with LocalCloud.start() as running:
        yield running
