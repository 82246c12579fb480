"""Inject and heal faults by the journal, so that a resumed drill knows which faults are active and heals all of them."""

from __future__ import annotations

import time
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from drill.context import Context
from drill.faults import FAULTS, LETTERS
from drill.journal import Journal
from drill.plan import PHASES, FaultSpec, Plan
from infra.naming import PEER_UNHEALTHY
from local_cloud import LocalCloudError
from operations.errors import RunFailure

_ROUNDS: Final = 5
_PAUSE_SECONDS: Final = 1.0
_ALARM_SECONDS: Final = 300.0
"""Longest wait for an alarm in the time of alarms: three periods of a minute, the observer's run, and the evaluation."""


def inject(context: Context, phase: str) -> None:
    """Inject the faults that the plan has for a phase, unless they were injected before."""
    for spec in context.plan.faults_of(phase):
        label = str(spec)
        if context.journal.last("fault injected", fault=label) is not None:
            continue
        # Write the journal entry before acting: a drill that is killed in between then heals the fault.
        if spec.name == "dlq-flood":
            context.journal.state(phase, "flooded", LETTERS)
        context.journal.append(phase, "fault injecting", fault=label, name=spec.name)
        try:
            detail = FAULTS[spec.name].inject(context.platform)
        except (ClientError, BotoCoreError, LocalCloudError) as error:
            raise RunFailure(f"The fault {label} could not be injected: {error}") from error
        context.journal.append(phase, "fault injected", fault=label, name=spec.name, detail=detail)
        if spec == main(context.plan):
            context.journal.mark(phase, "fault")
        context.say(detail)


def await_alarm(context: Context, phase: str) -> None:
    """Wait until the alarm that the drill times is OK, before the phase that injects the main fault.

    One in ALARM, or just about to be, counts datapoints from before the fault, so its time would not be measured.
    """
    spec, region = main(context.plan), context.plan.secondary
    if spec is None or spec.phase != phase or not FAULTS[spec.name].is_seen:
        return
    if context.journal.last("fault injecting", fault=str(spec)) is not None:
        return
    name, state = context.target.name_of(PEER_UNHEALTHY), "OK"
    client: Any = context.target.fail_fast_client("cloudwatch", region)
    keeping = ", ".join(one for one in active_faults(context.journal) if FAULTS[one].keeps_alarm)
    for _ in context.waiting(_ALARM_SECONDS / context.plan.time_factor):
        try:
            found = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        except (ClientError, BotoCoreError) as error:
            state = str(error)
        else:
            state = found[0]["StateValue"] if found else "OK"
        if state == "OK":
            return
        if keeping:
            state = f"{state}, because of {keeping}"
            break
        context.say(f"the fault waits until {name} in {region} is OK: {state}")
    context.note(
        f"{name} in {region} is not OK before the fault: {state}; the time until it goes off may not be measured",
        level="warning",
        region=region,
    )


def main(plan: Plan) -> FaultSpec | None:
    """Return the fault that causes the failover; None for a planned failover.

    It is the first fault that loses the region before the failback, or else the first one of the phase `inject`.
    """
    before = [one for one in plan.faults if PHASES.index(one.phase) < PHASES.index("failback")]
    losing = [one for one in before if FAULTS[one.name].loses_region]
    of_inject = [one for one in before if one.phase == "inject"]
    return next(iter((*losing, *of_inject)), None)


def active_faults(journal: Journal) -> list[str]:
    """Return the names of the faults that are or may be active, in the order of injection."""
    return [name for _, name in _unhealed(journal)]


def is_final(journal: Journal) -> bool:
    """Return whether the primary's region is lost for good."""
    return any(FAULTS[name].is_final for name in active_faults(journal))


def heal(context: Context) -> None:
    """Heal every active fault that can be healed, the last one first. A fault that depends on another one is tried again."""
    problems: list[str] = []
    for _ in range(_ROUNDS):
        problems = [
            problem
            for spec, name in reversed(_unhealed(context.journal))
            if not FAULTS[name].is_final and (problem := _heal(context, spec, name))
        ]
        if not problems:
            return
        time.sleep(_PAUSE_SECONDS)
    raise RunFailure(f"Not healed: {'; '.join(problems)}", hint="Try again: `lockstep drill abort`.")


def _unhealed(journal: Journal) -> list[tuple[str, str]]:
    """Return the spec and name of each unhealed fault, in the order of injection."""
    healed = {entry.data["fault"] for entry in journal.of("fault healed")}
    begun = {entry.data["fault"]: entry.data["name"] for entry in journal.of("fault injecting")}
    return [(spec, name) for spec, name in begun.items() if spec not in healed]


def _heal(context: Context, spec: str, name: str) -> str:
    try:
        # What the APIs of a destroyed region would heal has gone with the region, which itself does not come back.
        if not ((FAULTS[name].needs_apis or FAULTS[name].takes_apis) and is_final(context.journal)):
            FAULTS[name].heal(context.platform)
        context.journal.append(context.phase, "fault healed", fault=spec, name=name)
    except (ClientError, BotoCoreError, LocalCloudError, OSError) as error:
        return f"{spec}: {error}"
    return ""
