"""The phases of a drill, in order. Each does its work, or what is left of it after a kill, and says what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from drill.context import Context
from drill.phases import baseline, decide, detect, failback, inject, load, measure, preflight, reconcile, switch, verify


@dataclass(frozen=True)
class Phase:
    """One phase.

    Attributes:
        name: As in the plan.
        title: What it does, for people.
        run: Does it.
        is_failover: Whether the region to be promoted is the only one that may be called in it.
        injects_itself: Whether it chooses the moment for its faults by itself.
    """

    name: str
    title: str
    run: Callable[[Context], str]
    is_failover: bool = False
    injects_itself: bool = False


ALL: Final = (
    Phase("preflight", "is the platform fit to be drilled?", preflight.run),
    Phase("baseline", "what is there before", baseline.run, injects_itself=True),
    Phase("load", "upload files, with receipts", load.run),
    Phase("inject", "make the fault true", inject.run),
    Phase("detect", "is it noticed?", detect.run, is_failover=True),
    Phase("decide", "may the other region take over?", decide.run, is_failover=True),
    Phase("switch", "promote it", switch.run, is_failover=True),
    Phase("measure", "until nothing waits any more", measure.run, is_failover=True),
    Phase("verify", "prove it, in the surviving region", verify.run, is_failover=True),
    Phase("failback", "heal, wait for the failback checks, go back", failback.run, injects_itself=True),
    Phase("reconcile", "prove it, in both regions", reconcile.run, injects_itself=True),
)
"""All but the report, which is written however they end."""
