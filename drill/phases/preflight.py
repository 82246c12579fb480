"""preflight: connect to the platform, and check that it is fit for a drill."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final

from drill.context import Context
from drill.sampler import ALARM_TYPES, alarms_of
from operations import heartbeats
from operations.errors import RunFailure
from operations.register import Register
from operations.signed_http import Api

_MOST_SKEW_SECONDS: Final = 5.0
"""Maximum clock skew. HTTP dates have whole seconds. SigV4 accepts five minutes, too much for a comparison of two logs."""
_READY_WITHIN_SECONDS: Final = 60.0
_HEARTBEAT_WITHIN_SECONDS: Final = 75.0
"""Maximum age of a heartbeat, in the observer's own time; it runs every minute."""


@dataclass(frozen=True)
class Check:
    """A check of the platform and its result; `must_hold` says whether a problem ends the drill."""

    what: str
    problem: str
    found: str
    must_hold: bool = True


def run(context: Context) -> str:
    """Deploy the platform if it does not exist, then check it. The journal records each check."""
    context.open(start=True)
    checks: list[Check] = []
    for look in _CHECKS:
        check = look(context)
        level = "info" if not check.problem else "bad" if check.must_hold else "warning"
        context.note(f"{check.what}: {check.problem or check.found}", level=level)
        checks.append(check)
    wrong = [f"{check.what}: {check.problem}" for check in checks if check.problem and check.must_hold]
    if wrong:
        raise RunFailure(
            f"The platform cannot be drilled. {' '.join(wrong)}",
            hint="No fault was injected. Fix this and start another drill.",
        )
    warned = sum(bool(check.problem) for check in checks)
    return f"{len(checks)} checks, {warned} warnings"


def _credentials(context: Context) -> Check:
    target = context.target
    accounts = {target.client("sts", region).get_caller_identity()["Account"] for region in target.regions}
    wrong = f"they are of {', '.join(sorted(accounts))}, not of {target.account}" if accounts != {target.account} else ""
    return Check("credentials", wrong, f"account {target.account}")


def _clocks(context: Context) -> Check:
    skews = {}
    for region in context.target.regions:
        answer = context.target.client("sts", region).get_caller_identity()
        server_time = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
        skews[region] = server_time - time.time()
    worst = max(skews.values(), key=abs)
    wrong = f"this machine's differs by {worst:.0f} s from a region's" if abs(worst) > _MOST_SKEW_SECONDS else ""
    return Check("clocks", wrong, f"at most {abs(worst):.1f} s apart")


def _stacks(context: Context) -> Check:
    primary, secondary = (context.deployment.regional[region] for region in context.target.regions)
    differing = sorted(primary.keys() ^ secondary.keys())
    codes = {}
    for name in ("ProcessorFunctionName", "IssuerFunctionName"):
        codes[name] = {
            context.target.client("lambda", region).get_function_configuration(
                FunctionName=context.deployment.regional[region][name]
            )["CodeSha256"]
            for region in context.target.regions
        }
    other_code = [name.removesuffix("FunctionName") for name, found in codes.items() if len(found) > 1]
    wrongs = [f"only one region has the output {name}" for name in differing]
    wrongs += [f"the {name}'s code differs between the regions" for name in other_code]
    return Check("stacks equal", "; ".join(wrongs), f"{len(primary)} outputs, the same code in both regions")


def _register(context: Context) -> Check:
    claims = {region: Register(context.target, region).claims() for region in context.target.regions}
    first, second = claims.values()
    active = Register(context.target, context.target.primary).active()
    wrong = ""
    if first != second:
        wrong = f"the replicas disagree on the active region: {claims}; replication is behind"
    elif active != context.target.primary:
        wrong = f"{active} is active; fail back first: lockstep failback"
    return Check("register", wrong, f"{active} is active, claims {first or 'none'}")


def _ready(context: Context) -> Check:
    slow = [region for region in context.target.regions if not _is_ready(context, region)]
    return Check("ready", f"GET /ready of {', '.join(slow)} does not answer 200" if slow else "", "both regions")


def _is_ready(context: Context, region: str) -> bool:
    api = Api(context.deployment, region)
    return any(api.call("GET", "/ready", signed=False).status == 200 for _ in context.waiting(_READY_WITHIN_SECONDS))  # noqa: PLR2004 - HTTP's own number


def _dns(context: Context) -> Check:
    if context.dns.answered() is None:
        return Check("DNS", "there is no failover record, or no name server answers for it", "", must_hold=False)
    primary = context.target.primary
    named = any(context.dns.answered() == primary for _ in context.waiting(_READY_WITHIN_SECONDS))
    return Check("DNS", "" if named else f"the failover record does not name {primary}", f"names {primary}")


def _dead_letters(context: Context) -> Check:
    held = {}
    for region in context.target.regions:
        url = context.deployment.regional[region]["DeadLetterQueueUrl"]
        name = "ApproximateNumberOfMessages"
        answer = context.target.client("sqs", region).get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        held[region] = int(answer["Attributes"][name])
    wrong = f"not empty: {held}; the drill tells its own from these" if any(held.values()) else ""
    return Check("dead-letter queues", wrong, "empty", must_hold=False)


def _alarms(context: Context) -> Check:
    ringing: list[str] = []
    for region in context.target.regions:
        pages: Any = context.target.client("cloudwatch", region).get_paginator("describe_alarms")
        for page in pages.paginate(StateValue="ALARM"):
            ringing += [f"{one['AlarmName']} ({region})" for one in page.get("MetricAlarms", [])]
    return Check(
        "alarms", f"in ALARM before the drill: {', '.join(ringing)}" if ringing else "", "none rings", must_hold=False
    )


def _abort_alarms(context: Context) -> Check:
    """Check that each abort alarm of the plan exists, and that none is in ALARM, which would end the drill at once."""
    plan, wanted, states = context.plan, context.plan.abort_alarms, dict[tuple[str, str], str]()
    for region in context.target.regions if wanted else ():
        pages: Any = context.target.client("cloudwatch", region).get_paginator("describe_alarms")
        for page in pages.paginate(AlarmTypes=list(ALARM_TYPES)):
            states |= {(one["AlarmName"], region): one["StateValue"] for one in alarms_of(page)}
    there = sorted({name for name, _ in states})
    wrongs = [
        f"there is no alarm {name!r} in {' or '.join(context.target.regions)}. The nearest names there are "
        f"{', '.join(difflib.get_close_matches(name, there, cutoff=0.0)) or 'none'}. Write one that is there; {{prefix}} "
        f"and {{environment}} in a name stand for {plan.prefix} and {plan.environment}."
        for name in wanted
        if name not in there
    ]
    wrongs += [
        f"{name} is in ALARM in {region}, which would end the drill at once. Fix its cause, or leave it out and have the "
        "plan reviewed."
        for (name, region), state in states.items()
        if name in wanted and state == "ALARM"
    ]
    where = f"abort_alarms of {plan.reviewed.file}: " if plan.reviewed and wrongs else ""
    return Check("abort alarms", where + " ".join(wrongs), ", ".join(wanted) or "none in the plan")


def _heartbeats(context: Context) -> Check:
    """Check that both observers run. A new one has its first run within a minute of its own clock."""
    silent: list[str] = []
    for _ in context.waiting(_HEARTBEAT_WITHIN_SECONDS / context.plan.time_factor + _MOST_SKEW_SECONDS):
        silent = [region for region in context.target.regions if not _is_fresh(context, region)]
        if not silent:
            break
    wrong = f"none of the last {heartbeats.MOST_SECONDS:.0f} s of {', '.join(silent)}; an observer may not see the fault"
    return Check("heartbeats", wrong if silent else "", "of both regions, fresh", must_hold=False)


def _is_fresh(context: Context, region: str) -> bool:
    heartbeat = _read_heartbeat(context, region)
    return heartbeat is not None and abs(time.time() - heartbeat.at) <= heartbeats.MOST_SECONDS


def _canaries(context: Context) -> Check:
    """Check that canaries are processed in time. A local cloud is exempt, because its canaries have only just begun."""
    seconds = {region: found.numbers.get("canary_seconds") for region, found in _read_heartbeats(context).items()}
    lost = [region for region, one in seconds.items() if one is not None and one < 0]
    wrong = f"the last one of {', '.join(lost)} timed out" if lost else ""
    measured = [f"{region} {one:.1f} s" for region, one in seconds.items() if one is not None]
    return Check("canaries", wrong, ", ".join(measured) or "none was processed yet", must_hold=context.plan.mode == "live")


def _replication(context: Context) -> Check:
    pending = {region: found.numbers.get("replication_pending") for region, found in _read_heartbeats(context).items()}
    late = [f"{one:.0f} objects on their way to {region}" for region, one in pending.items() if one]
    unknown = [region for region in context.target.regions if pending.get(region) is None]
    found = f"not measured yet in {', '.join(unknown)}" if unknown else "nothing pending"
    return Check("replication", ", ".join(late), found, must_hold=False)


def _read_heartbeats(context: Context) -> dict[str, heartbeats.Heartbeat]:
    read = {region: _read_heartbeat(context, region) for region in context.target.regions}
    return {region: found for region, found in read.items() if found is not None}


def _read_heartbeat(context: Context, region: str) -> heartbeats.Heartbeat | None:
    """Return the observer's heartbeat from the region's own replica."""
    return heartbeats.read(context.deployment.client("dynamodb", region), context.deployment.table(region), region)


_CHECKS: Final[tuple[Callable[[Context], Check], ...]] = (
    _credentials,
    _clocks,
    _stacks,
    _register,
    _ready,
    _dns,
    _dead_letters,
    _alarms,
    _abort_alarms,
    _heartbeats,
    _canaries,
    _replication,
)
