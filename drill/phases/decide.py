"""decide: see whether the other region can take over; a person confirms it, which a drill on this machine does by itself."""

from __future__ import annotations

from typing import Final

from drill.context import Context
from drill.stops import Stop
from operations.register import Register
from operations.signed_http import Api

_OK: Final = 200
_PATIENCE_SECONDS: Final = 20.0


def run(context: Context) -> str:
    """Ask the region that is to be promoted whether it is ready, and decide.

    Raises:
        Stop: It is not ready: promoting it would help nobody.
    """
    region = context.target.secondary
    api = Api(context.deployment, region)
    if not any(api.call("GET", "/ready", signed=False).status == _OK for _ in context.waiting(_PATIENCE_SECONDS)):
        raise Stop(f"{region} is not ready itself; it is not promoted.", hint="Ask GET /ready what is wrong there.")
    claims = Register(context.target, region).claims()
    context.journal.mark(context.phase, "decided")
    return f"{region} is ready, claims there {claims or 'none'}: promote it"
