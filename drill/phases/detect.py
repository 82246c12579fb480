"""detect: wait for the DNS failover and for an observer's alarm, while clients continue to upload."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from drill import fault_control
from drill.background import Background
from drill.context import Context
from drill.faults import FAULTS
from drill.load.items import LoadItem, Wave
from infra.naming import PEER_UNHEALTHY
from operations.ledger import Ledger

_QUIET_SECONDS: Final = 5.0
"""Seconds to wait for signals if none is expected."""
_PATIENCE_SECONDS: Final = 480.0
"""Seconds in the time of health checks, alarms and DNS. The health check is promised within 150; an observer takes minutes
more."""
_CHUNKS: Final = 12


def run(context: Context) -> str:
    """Wait for the signals, then upload to the region that DNS names, before it is promoted."""
    there = [FAULTS[name] for name in fault_control.active_faults(context.journal)]
    expected = any(one.is_seen for one in there)
    hurry = threading.Event()
    traffic = Background("traffic", partial(upload_until, hurry, context, context.wave(Wave.DURING)))
    traffic.start()
    try:
        _listen(context, expected=expected)
        has_followed = context.dns.followed() == context.target.secondary
        if has_followed:
            # While the other clients' tries at the lost region still hang: this one makes none.
            send = context.on_event_marking("first_good_write_dns")
            context.sender.send_to(context.target.secondary, context.wave(Wave.STRANDED), send)
    finally:
        hurry.set()
        traffic.finish(context.checkpoint)
    if has_followed:
        _count_stranded(context)
    else:
        context.sender.send(context.wave(Wave.STRANDED), context.on_event)
    return _outcome(context, expected=expected)


def _listen(context: Context, *, expected: bool) -> None:
    has_dns = context.dns.answered() is not None
    patience = _PATIENCE_SECONDS / context.plan.time_factor if expected else _QUIET_SECONDS
    for _ in context.waiting(patience):
        look(context)
        if expected and context.journal.moment("dns_followed" if has_dns else "observer_alarm") is not None:
            return


def look(context: Context) -> None:
    """Record the time of each signal. Later phases call it too, because an alarm is slow."""
    secondary = context.target.secondary
    if context.dns.answered() == secondary and context.journal.moment("dns_failed_over") is None:
        context.journal.mark(context.phase, "dns_failed_over")
        context.note(f"DNS names {secondary}", level="good", region=secondary)
    if context.dns.followed() == secondary:
        context.journal.mark(context.phase, "dns_followed")
    if context.journal.moment("observer_alarm") is None:
        _look_at_peer_alarm(context)


def _look_at_peer_alarm(context: Context) -> None:
    """Record when the secondary's alarm about its peer went off after the fault, by CloudWatch's own timestamp.

    An alarm needs one breaching datapoint in each of its periods. One that goes off earlier after the fault than that counts
    datapoints from before the fault, so it measures nothing.
    """
    region, fault = context.target.secondary, context.journal.moment("fault")
    client: Any = context.target.fail_fast_client("cloudwatch", region)
    try:
        alarms = client.describe_alarms(AlarmNames=[context.target.name_of(PEER_UNHEALTHY)], StateValue="ALARM")
    except (ClientError, BotoCoreError):
        return
    for one in alarms["MetricAlarms"] if fault is not None else ():
        at = one["StateTransitionedTimestamp"].timestamp()
        needed = one.get("DatapointsToAlarm") or one["EvaluationPeriods"]
        if at - fault >= (needed - 1) * one["Period"] / context.plan.time_factor:
            context.journal.mark(context.phase, "observer_alarm", at)
            context.note(f"{one['AlarmName']} in ALARM in {region} {at - fault:.1f} s after the fault", region=region)
        elif at >= fault and context.journal.fact("alarm_too_early") != at:
            context.journal.state(context.phase, "alarm_too_early", at)
            text = (
                f"{one['AlarmName']} went off {at - fault:.1f} s after the fault by datapoints from before it: not measured"
            )
            context.note(text, level="warning", region=region)


def _count_stranded(context: Context) -> None:
    """Record how many files wait in the secondary's shadow queue, because it is not promoted yet."""
    wave, region = context.wave(Wave.STRANDED), context.target.secondary
    ids = [one.id for one in context.sender.receipts() if one.key in {held.item.key for held in wave}]
    done = len(Ledger(context.deployment, region).results(ids))
    context.note(f"{len(ids)} files uploaded to {region} before its promotion; {len(ids) - done} wait in its shadow")


def _outcome(context: Context, *, expected: bool) -> str:
    fault = context.journal.moment("fault") or 0.0
    seen = {name: context.journal.moment(name) for name in ("dns_failed_over", "observer_alarm")}
    signals = [f"{name.replace('_', ' ')} after {at - fault:.1f} s" for name, at in seen.items() if at is not None]
    if signals:
        return ", ".join(signals)
    if expected:
        context.note("no signal of the fault; the operator decides without one", level="warning")
    return "no signal" if expected else "no signal, and none was expected"


def upload_until(hurry: threading.Event, context: Context, wave: Sequence[LoadItem]) -> None:
    """Upload a few files at a time, as clients do until the detection; after `hurry`, the rest at once."""
    size, rest = max(1, len(wave) // _CHUNKS), list(wave)
    while rest:
        # Each client begins without a suspect, so each pays the time-out of a region that hangs.
        count = len(rest) if hurry.is_set() else size
        context.sender.send(rest[:count], context.on_event)
        del rest[:count]
        hurry.wait(1.0)
