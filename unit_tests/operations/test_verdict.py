"""The verdict of `status`: its sentence and the next command, for each row of the runbook's first table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from operations import __main__ as command_line
from operations.heartbeats import Heartbeat
from operations.reconciler import Reconciled
from operations.status import NO_CREDENTIALS, RegionStatus
from operations.target import Target
from operations.verdict import conclude
from unit_tests.operations.conftest import put_claim

EAST, WEST = "us-east-1", "us-west-2"
NOW = 1_000_000.0
FRESH, OLD, LATE = Heartbeat(NOW - 30, {"canary_seconds": 0.2}), Heartbeat(NOW - 900), Heartbeat(NOW, {"canary_seconds": -1})
_HELD = {EAST: FRESH, WEST: FRESH}


def _region(name: str, **changes: object) -> RegionStatus:
    healthy = RegionStatus(name, claims={}, ready=True, dead=0, ringing=[], heartbeats=_HELD)
    return replace(healthy, **changes)  # type: ignore[arg-type]


def _lost(name: str, **changes: object) -> RegionStatus:
    return RegionStatus(name, **changes)  # type: ignore[arg-type]


HERE, THERE = _region(EAST), _region(WEST)
PROMOTED = {WEST: 1}


@pytest.mark.parametrize(
    ("east", "west", "sentence", "command"),
    [
        (HERE, THERE, "HEALTHY: us-east-1 processes, us-west-2 is ready.", ""),
        (_lost(EAST), THERE, "us-east-1 IS ACTIVE AND FAILS: does not answer.", "promote us-west-2"),
        (_region(EAST, ready=False), THERE, "us-east-1 IS ACTIVE AND FAILS: is not ready.", "promote us-west-2"),
        (_region(EAST, ready=None), THERE, "us-east-1 IS ACTIVE AND FAILS: does not answer GET /ready", "promote us-west-2"),
        (
            _region(EAST, heartbeats={**_HELD, EAST: OLD}),
            _region(WEST, heartbeats={**_HELD, EAST: OLD}),
            "us-east-1 IS ACTIVE AND FAILS: has no fresh heartbeat.",
            "promote us-west-2",
        ),
        (
            _region(EAST, heartbeats={**_HELD, EAST: LATE}),
            THERE,
            "us-east-1 IS ACTIVE AND FAILS: did not process its canary in time.",
            "promote us-west-2",
        ),
        # Nothing was ever written, and nothing speaks against a region: it was deployed a moment ago.
        (
            _region(EAST, heartbeats={}),
            _region(WEST, heartbeats={}),
            "NEW: us-east-1 processes, us-west-2 is ready. No observer has written a heartbeat yet.",
            "logs",
        ),
        (
            _region(EAST, heartbeats={}, ready=False),
            _region(WEST, heartbeats={}),
            "FAILS: is not ready",
            "promote us-west-2",
        ),
        (_region(EAST, heartbeats={WEST: OLD}), _region(WEST, heartbeats={}), "FAILS: has no fresh", "promote us-west-2"),
        # The heartbeat is fresh in its own replica: replication is slow, and no region fails.
        (HERE, _region(WEST, heartbeats={**_HELD, EAST: OLD}), "HEALTHY: us-east-1 processes", ""),
        (HERE, _lost(WEST), "us-west-2 FAILS: does not answer. No failover is needed.", "logs --region us-west-2"),
        (_region(EAST, ready=False), _region(WEST, ready=False), "BOTH REGIONS FAIL", "logs"),
        (_lost(EAST), _region(WEST, ready=False), "BOTH REGIONS FAIL: us-east-1 does not answer; us-west-2 is not", "logs"),
        (
            _lost(EAST),
            _region(WEST, heartbeats={}),
            "us-east-1 IS ACTIVE AND FAILS: does not answer. us-west-2 is ready, but has no fresh heartbeat.",
            "promote us-west-2",
        ),
        (_lost(EAST), _lost(WEST), "UNKNOWN: no replica answers.", "status"),
        (_lost(EAST, silence=NO_CREDENTIALS), _lost(WEST), "UNKNOWN: there are no credentials", "status"),
        (_region(EAST, claims=PROMOTED), _region(WEST, claims=PROMOTED), "PROMOTED: us-west-2 processes", "failback"),
        (
            _region(EAST, claims=PROMOTED, ready=False),
            _region(WEST, claims=PROMOTED),
            "us-west-2 processes. us-east-1 FAILS: is not ready.",
            "logs --region us-east-1",
        ),
        (
            _region(EAST, claims={EAST: 2}),
            _region(WEST, claims={WEST: 3}),
            "SPLIT BRAIN: the replicas hold different regions active.",
            "promote us-west-2",
        ),
        (_region(EAST, dead=3), THERE, "HEALTHY, dead letters in us-east-1 (3)", "dlq list --region us-east-1"),
        (HERE, _region(WEST, reconciled=Reconciled(NOW, 2)), "HEALTHY, unreconciled objects in us-west-2 (2)", "status"),
        (HERE, _region(WEST, ringing=["a"]), "HEALTHY, but alarms of us-west-2 are in ALARM", "logs"),
    ],
)
def test_verdict_names_the_state_and_the_next_command(
    east: RegionStatus, west: RegionStatus, sentence: str, command: str
) -> None:
    verdict = conclude([east, west], primary=EAST, now=NOW)
    assert (sentence in verdict.sentence, verdict.command) == (True, command), verdict


def test_next_command_repeats_the_options_that_select_the_platform(target: Target, tmp_path: Path) -> None:
    put_claim(WEST, WEST, 3)
    put_claim(EAST, EAST, 2)
    where = ["--account", "123456789012", "--environment", "staging", "--secondary", WEST]
    result = CliRunner().invoke(command_line.app, ["status", *where])
    assert "make one region active: lockstep promote us-west-2 " + " ".join(where) in result.output
    file = tmp_path / "target file.json"
    target.save(file)
    assert f"lockstep promote us-west-2 --target '{file}'" in CliRunner().invoke(
        command_line.app, ["status", "--target", str(file)]
    ).output.replace("\n", "")


def test_status_json_is_one_object(target: Target) -> None:
    assert target
    result = CliRunner().invoke(command_line.app, ["status", "--json", "--environment", "staging"])
    held = json.loads(result.stdout)
    assert {"verdict", "next", "active", "regions", "environment", "account", "conclusions"} == set(held)
    assert [one["region"] for one in held["regions"]] == [EAST, WEST]
