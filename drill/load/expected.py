"""The expected result of each of the drill's records, written without code of the platform.

This is the counterpart of `handlers/processor/transform.py`; edit both together. `stored` states what a user of the platform
expects of a record. The drill uses it for its load (`drill/load/items.py`), the end-to-end run for its files. As shipped, a
record is stored as it was parsed. The proof then finds a platform that drops, changes or doubles a record, even if the
platform's own sums agree.

If only `transform.py` is edited, the unit tests of the load fail, and so does every drill. Until this file is edited,
`IS_KNOWN = False` leaves content and rejections unproved: each drill's timeline notes it, and the end-to-end run skips the
tests of content.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any, Final

from drill.load.storable import can_be_held
from operations.attribute_values import Wire, to_wire

IS_KNOWN: Final = True
"""Whether `stored` matches `transform.py`."""


def stored(record: dict[str, Any]) -> dict[str, Any] | None:
    """Return the stored form of a record. None or any exception means that the record is rejected.

    Records that DynamoDB cannot hold are rejected too, without a check here.

    Args:
        record: The argument of `transform`: JSON numbers as int or Decimal; every CSV value as text.
    """
    return record


def records(parsed: Iterable[dict[str, Any] | None]) -> list[tuple[int, Wire]]:
    """Return ordinal and content of each accepted record. Rejected records have ordinals too."""
    return [(ordinal, to_wire(content)) for ordinal, record in enumerate(parsed) if (content := outcome(record)) is not None]


def outcome(record: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the stored form of a record; None if `stored`, an exception or DynamoDB's limits reject it."""
    if record is None:
        return None  # it could not be parsed
    try:
        content: Any = stored(deepcopy(record))
    except Exception:  # noqa: BLE001 - the platform rejects a record for any exception, as transform.py says
        return None
    return content if isinstance(content, dict) and can_be_held(content) else None
