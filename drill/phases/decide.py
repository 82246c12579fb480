"""decide: check that the other region can take over. A local drill then decides without a person."""

from __future__ import annotations

from typing import Final

from drill.context import Context
from drill.stations import stored
from drill.stops import Stop
from operations.ledger import Ledger
from operations.queues import backlog
from operations.register import Register
from operations.signed_http import Api

_OK: Final = 200
_PATIENCE_SECONDS: Final = 20.0


def run(context: Context) -> str:
    """Ask the region that is to be promoted whether it is ready, and decide.

    Raises:
        Stop: The region is not ready, so a promotion would not restore service.
    """
    region = context.target.secondary
    api = Api(context.deployment, region)
    if not any(api.call("GET", "/ready", signed=False).status == _OK for _ in context.waiting(_PATIENCE_SECONDS)):
        raise Stop(f"{region} is not ready and is not promoted.", hint="Read the response of GET /ready there.")
    claims = Register(context.target, region).claims()
    _note_backlog(context, region)
    context.journal.mark(context.phase, "decided")
    return f"{region} is ready; its claims: {claims or 'none'}"


def _note_backlog(context: Context, region: str) -> None:
    """Record the size of the backlog, which the report states with the time to empty it."""
    if context.journal.fact("backlog_at_decision") is not None:
        return
    held = stored(context, region)
    waiting = sorted(held - Ledger(context.deployment, region).settled(held))
    messages = sum(backlog(context.deployment, region, "IngestQueueUrl").values())
    context.journal.state(context.phase, "waiting_at_decision", waiting)
    context.journal.state(context.phase, "backlog_at_decision", {"objects": len(waiting), "messages": messages})
    context.note(f"{len(waiting)} objects are not settled in {region}, {messages} messages are in its queue", region=region)
