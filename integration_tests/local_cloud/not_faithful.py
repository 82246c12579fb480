"""What the local cloud only records: the one place that says where it differs from AWS, and why."""

from __future__ import annotations

from typing import Final, NamedTuple


class NotFaithful(NamedTuple):
    """One difference from AWS.

    Attributes:
        what: The resource or behaviour, in AWS's words.
        why: What does not happen here, and what that hides.
    """

    what: str
    why: str


NOT_FAITHFUL: Final[tuple[NotFaithful, ...]] = (
    NotFaithful("EC2 FlowLog", "stored and answered; there is no network whose packets it could log"),
)
