"""Manual DNS failover: a control row in the secondary's region that its observer publishes as ForceFailover.

The change is one PutItem in the region that takes over; the other region is not called. The observer reads the row every
minute, so the setting holds until the row changes.
"""

from __future__ import annotations

import time
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from operations.errors import RunFailure
from operations.target import Target

METRIC: Final = "ForceFailover"


def set_forced(target: Target, *, forced: bool) -> None:
    """Route clients away from the primary by DNS, or let its health check decide again.

    Raises:
        RunFailure: The table in the secondary's region rejected the row or did not answer.
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
            f"{target.table_name} in {target.secondary} did not store the row that sets {METRIC}: {error}",
            hint="Nothing was changed. Try again; clients with the upload helper find the other region without DNS.",
        ) from error
