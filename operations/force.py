"""The manual lever: a row of the secondary's region that its observer publishes as ForceFailover, and DNS follows.

One PutItem in the region that is to take over; nothing of the other region is asked. The observer reads the row every
minute, so a lever that was pulled holds until the row says otherwise.
"""

from __future__ import annotations

import time
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from operations.errors import RunFailure
from operations.target import Target

METRIC: Final = "ForceFailover"


def set_forced(target: Target, *, forced: bool) -> None:
    """Lead clients away from the primary by DNS, or let its own health decide again.

    Raises:
        RunFailure: The table in the secondary's region did not take the row.
    """
    client: Any = target.operator_client("dynamodb", target.secondary)
    row = {
        "pk": {"S": f"FORCE#{target.secondary}"},
        "sk": {"S": "LATEST"},
        "forced": {"BOOL": forced},
        "at": {"N": f"{time.time():.3f}"},
    }
    try:
        client.put_item(TableName=target.table_name, Item=row)
    except (ClientError, BotoCoreError) as error:
        raise RunFailure(
            f"{target.table_name} in {target.secondary} did not take the row that sets {METRIC}: {error}",
            hint="Nothing was changed. Clients with the upload helper find the other region without it.",
        ) from error
