"""Test the promise: the objects that the surviving region may lack, and those that fail the drill."""

from __future__ import annotations

import pytest

from drill import promise
from drill.model import Finding
from drill.promise import ACCEPTED, Judgement, Upload

EAST, WEST = "us-east-1", "us-west-2"
FAULT, NOW = 100.0, 160.0


def judge(findings: list[Finding], *uploads: Upload) -> Judgement:
    return promise.judge(findings, uploads, surviving=WEST, fault_at=FAULT, now=NOW)


def finding(object_id: str, kind: str = "lost", where: str = f"objects {WEST}") -> Finding:
    return Finding(kind=kind, object_id=object_id, where=where, what="it is wrong")


def test_absent_object_with_a_durable_receipt_breaks_the_promise() -> None:
    found = judge([finding("a")], Upload("a", EAST, True, 90.0), Upload("b", EAST, True, 95.0))
    assert "1 durable objects are not in us-west-2" in found.broken[0]
    assert (found.seconds["durable"], found.objects["durable"]) == (10.0, 1)
    assert found.allowed == ()


def test_absent_object_that_was_accepted_only_is_allowed_with_its_sentence() -> None:
    findings = [finding("a"), finding("a", where=f"ledger {WEST}"), finding("a", "divergent", f"ledger {WEST}")]
    found = judge(findings, Upload("a", EAST, False, 97.5))
    assert found.broken == ()
    assert [(one.sentence, one.objects) for one in found.allowed] == [(ACCEPTED, 1)]
    assert found.seconds == {"durable": None, "accepted": 2.5}
    assert found.objects == {"durable": None, "accepted": 1}


@pytest.mark.parametrize(
    ("findings", "region"),
    [
        ([finding("a", where=f"ledger {WEST}")], EAST),
        ([finding("a", "divergent", f"ledger {WEST}")], EAST),
        ([finding("a", "duplicated", f"ledger {WEST}")], EAST),
        ([finding("a"), finding("a", "duplicated", f"ledger {WEST}")], EAST),
        ([finding("a")], WEST),
        ([finding("stranger", "duplicated", f"ledger {WEST}")], EAST),
        ([finding("stranger", "lost", "receipts")], EAST),
    ],
)
def test_other_finding_of_the_surviving_region_breaks_the_promise(findings: list[Finding], region: str) -> None:
    found = judge(findings, Upload("a", region, False, 90.0))
    assert found.broken
    assert found.allowed == ()


def test_figures_are_null_without_a_receipt_of_their_state() -> None:
    found = judge([])
    assert found.seconds == {"durable": None, "accepted": None}
    assert found.objects == {"durable": None, "accepted": None}
    assert judge([], Upload("a", EAST, True, 90.0)).seconds == {"durable": 0.0, "accepted": None}


def test_object_accepted_after_the_fault_is_at_risk_until_the_proof() -> None:
    assert judge([finding("a")], Upload("a", EAST, False, 150.0)).seconds["accepted"] == 10.0


def test_age_of_an_upload_without_a_time_is_not_measured() -> None:
    assert judge([finding("a")], Upload("a", EAST, False, None)).seconds["accepted"] is None
