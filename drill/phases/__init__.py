"""The phases of a drill, in order. Each does its work, or the rest of it after a resume, and returns its outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from drill.context import Context
from drill.phases import baseline, decide, detect, failback, inject, load, measure, preflight, reconcile, switch, verify


@dataclass(frozen=True)
class Phase:
    """A phase of a drill.

    Attributes:
        name: The name in the plan.
        title: A description for the user.
        run: The function that runs it.
        is_failover: Whether only the region to be promoted may be called during the phase.
        injects_itself: Whether it injects its faults by itself, at a time that it chooses.
    """

    name: str
    title: str
    run: Callable[[Context], str]
    is_failover: bool = False
    injects_itself: bool = False


ALL: Final = (
    Phase("preflight", "check that the platform can be drilled", preflight.run),
    Phase("baseline", "record the state before the drill", baseline.run, injects_itself=True),
    Phase("load", "upload files, with receipts", load.run),
    Phase("inject", "hold objects on their way, inject the fault", inject.run, injects_itself=True),
    Phase("detect", "wait until the fault is detected", detect.run, is_failover=True),
    Phase("decide", "check that the other region can take over", decide.run, is_failover=True),
    Phase("switch", "promote the other region", switch.run, is_failover=True),
    Phase("measure", "wait until the backlog is empty", measure.run, is_failover=True),
    Phase("verify", "prove the result in the surviving region", verify.run, is_failover=True),
    Phase("failback", "heal, wait for the failback checks, fail back", failback.run, injects_itself=True),
    Phase("reconcile", "prove the result in both regions", reconcile.run, injects_itself=True),
)
"""All phases except the report, which is always written."""
