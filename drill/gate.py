"""The gate before a failback: what must hold before the primary may become active again."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from drill.context import Context
from operations.ledger import Ledger
from operations.register import Register
from operations.signed_http import Api

_OK: Final = 200


def reasons(context: Context) -> list[str]:
    """Say why the gate is shut, worst first; nothing if it is open."""
    found = [reason for region in context.target.regions if (reason := _not_ready(context, region))]
    if found:
        return found
    try:
        return _disagreement(context) or _behind(context)
    except (ClientError, BotoCoreError) as error:
        return [f"a table does not answer: {error}"]


def _not_ready(context: Context, region: str) -> str:
    try:
        answer = Api(context.deployment, region).call("GET", "/ready", signed=False)
    except (BotoCoreError, OSError) as error:
        return f"{region} does not answer: {error}"
    return "" if answer.status == _OK else f"GET /ready of {region} answers {answer.status}"


def _disagreement(context: Context) -> list[str]:
    claims = {region: Register(context.target, region).claims() for region in context.target.regions}
    first, second = claims.values()
    return [] if first == second else [f"the replicas disagree on who is active: {claims}"]


def _behind(context: Context) -> list[str]:
    """Each region must hold what the other has done, or it would be done again."""
    found = []
    for region in context.target.regions:
        context.watch.look(Ledger(context.deployment, region, brisk=True), all_of_them=True)
    for region in context.target.regions:
        missing = context.watch.missing(region)
        if missing:
            found.append(f"{region} has no RESULT yet of {len(missing)} objects that the other region has done")
    return found
