"""What the platform is to make of the drill's records: said here, and taken from none of its functions.

This is the counterpart of `handlers/processor/transform.py`, and it is to be edited with it: `stored` is what a user of the
platform expects of any record, in words of his own. The drill asks it of its load (`drill/load/items.py`), the end-to-end
run of its files. As shipped, a record is stored as it was parsed. A copy that left a record out, changed a value or stored
one twice is then convicted, though its own sums agree.

Whoever edited `transform.py` and not yet this file has every drill convicted, and the unit tests of the load first of
all. Until it is edited, `IS_KNOWN = False` leaves content and rejections unproved, which each drill's timeline then says;
the end-to-end run skips the tests of content.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any, Final

from drill.load.storable import can_be_held
from operations.attribute_values import Wire, to_wire

IS_KNOWN: Final = True
"""Whether `stored` is what `transform.py` does."""


def stored(record: dict[str, Any]) -> dict[str, Any] | None:
    """Return what is stored of a record; None if it is to be rejected, as any exception says.

    What DynamoDB cannot hold is rejected too, and need not be checked for here.

    Args:
        record: As `transform` is given it: numbers of JSON as int or Decimal, of CSV text for every value.
    """
    return record


def records(parsed: Iterable[dict[str, Any]]) -> list[tuple[int, Wire]]:
    """Return ordinal and content of each record that is to be accepted; the rejected have their ordinals, too."""
    return [(ordinal, to_wire(content)) for ordinal, record in enumerate(parsed) if (content := outcome(record)) is not None]


def outcome(record: dict[str, Any]) -> dict[str, Any] | None:
    """Return what is stored of a record; None if it is rejected: by `stored`, by any exception, or by DynamoDB's limits."""
    try:
        content: Any = stored(deepcopy(record))
    except Exception:  # noqa: BLE001 - the platform rejects a record for any exception, as transform.py says
        return None
    return content if isinstance(content, dict) and can_be_held(content) else None
