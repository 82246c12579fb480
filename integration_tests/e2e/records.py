"""Compare a region's records with those of the file: the same records, each with its types."""

from __future__ import annotations

from typing import Final

import pytest

from drill.load import expected as expectation
from integration_tests.e2e.pushing import Pushed
from integration_tests.e2e.waiting import wait_until
from operations.attribute_values import Wire, differences, to_wire
from operations.deployment import Deployment
from operations.ledger import Ledger

_MOST_SHOWN: Final = 10
_PATIENCE: Final = 0.1


def wrong_records(deployment: Deployment, region: str, pushed: Pushed) -> list[str]:
    """Wait for a file's records in a region, and return the first few differences from the file.

    RESULT may arrive in the other region before the records: rows replicate one by one.

    Raises:
        AssertionError: The region has no RESULT of the file.
    """
    require_expectation()
    assert pushed.result(region)
    expected = {ordinal: to_wire(record) for ordinal, record in pushed.sample.accepted.items()}
    ledger = Ledger(deployment, region)
    held: dict[int, Wire] = {}

    def all_there() -> bool:
        held.update(ledger.records(pushed.object_id, pushed.sample.records))
        return len(held) >= len(expected)

    wait_until(deployment.target, all_there, patience=_PATIENCE)
    return _wrong(expected, held)


def require_expectation() -> None:
    """Skip the calling test while a fork's `drill/load/expected.py` states that it does not know the transform yet."""
    if not expectation.IS_KNOWN:
        pytest.skip("drill/load/expected.py has IS_KNOWN = False: what is stored of a record is not known")


def _wrong(expected: dict[int, Wire], held: dict[int, Wire]) -> list[str]:
    missing = [f"record {ordinal} is missing" for ordinal in sorted(expected.keys() - held.keys())]
    added = [f"record {ordinal} should not be there" for ordinal in sorted(held.keys() - expected.keys())]
    both = sorted(expected.keys() & held.keys())
    values = [line for ordinal in both for line in differences(expected[ordinal], held[ordinal], f"record {ordinal}")]
    return (missing + added + values)[:_MOST_SHOWN]
