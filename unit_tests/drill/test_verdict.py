"""Test the verdict: passed only if every proof, control, guard and target passed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drill import verdict
from drill.model import GuardReport, Measure, NegativeControl, NegativeControls, Proof, Verdict

GUARD = GuardReport(calls=3, allowed_regions=("us-west-2",))
IN_TIME = Measure(name="a", title="A", seconds=1.0, target_seconds=2.0, met=True)
LATE = Measure(name="a", title="A thing", seconds=3.0, target_seconds=2.0, met=False)
UNMEASURED = Measure(name="a", title="A", seconds=None, target_seconds=2.0, met=None)


def _proof(lost: int = 0, duplicated: int = 0, divergent: int = 0, *, equal: bool = True) -> Proof:
    return Proof(at="now", sources=("a", "b"), objects=5, equal=equal, lost=lost, duplicated=duplicated, divergent=divergent)


def _controls(*found: bool) -> NegativeControls:
    names = ("duplicate", "withheld_replica", "tampered_row", "lost_receipt")
    held = tuple(
        NegativeControl(name=name, injected="x", object_id="y", found=one) for name, one in zip(names, found, strict=False)
    )
    return NegativeControls(injected=len(found), found=sum(found), controls=held)


ALL_FOUND = _controls(True, True, True, True)


@pytest.mark.parametrize(
    ("given_", "expected", "reason"),
    [
        ({}, Verdict.PASSED, "4 of 4 negative controls found"),
        ({"measures": [UNMEASURED]}, Verdict.NOT_ALL_MEASURED, "1 target not measured: A"),
        ({"during": ["1 objects lost in us-west-2"]}, Verdict.FAILED, "1 objects lost in us-west-2"),
        ({"proof": None}, Verdict.VOID, "nothing was proved"),
        ({"controls": _controls()}, Verdict.VOID, "no negative control was injected"),
        ({"controls": _controls(True, False, True, True)}, Verdict.VOID, "did not find withheld_replica"),
        ({"proof": _proof(lost=2)}, Verdict.FAILED, "2 objects lost"),
        ({"proof": _proof(duplicated=1)}, Verdict.FAILED, "1 objects duplicated"),
        ({"proof": _proof(divergent=1)}, Verdict.FAILED, "1 objects divergent"),
        ({"proof": _proof(equal=False)}, Verdict.FAILED, "not equal"),
        ({"failures": ["the promotion was refused"]}, Verdict.FAILED, "the promotion was refused"),
        (
            {"guard": GuardReport(calls=1, allowed_regions=("us-west-2",), violations=("iam was called",))},
            Verdict.FAILED,
            "iam was called",
        ),
        ({"measures": [LATE]}, Verdict.FAILED, "A thing: 3.0 s, the target is 2 s"),
        ({"proof": _proof(lost=1), "controls": _controls(False)}, Verdict.FAILED, "1 objects lost"),
    ],
)
def test_verdict_each_reason_alone_decides(given_: dict[str, object], expected: Verdict, reason: str) -> None:
    usual = {"failures": [], "proof": _proof(), "controls": ALL_FOUND, "guard": GUARD, "measures": [IN_TIME]}
    judged, reasons = verdict.judge(**{**usual, **given_})  # type: ignore[arg-type]
    assert judged is expected
    assert reason in " ".join(reasons)


@pytest.mark.property
@given(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2), st.lists(st.booleans(), max_size=4), st.integers(0, 1))
def test_verdict_with_any_fault_is_not_passed(
    lost: int, duplicated: int, divergent: int, found: list[bool], late: int
) -> None:
    judged, reasons = verdict.judge(
        failures=[],
        proof=_proof(lost, duplicated, divergent, equal=not (lost or duplicated or divergent)),
        controls=_controls(*found),
        guard=GUARD,
        measures=[LATE if late else IN_TIME],
    )
    is_right = not (lost or duplicated or divergent or late) and bool(found) and all(found)
    assert (judged is Verdict.PASSED) == is_right
    assert reasons
