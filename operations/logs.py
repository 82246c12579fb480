"""Read the functions' logs of both regions, merged by time."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from operations.errors import RunFailure
from operations.target import Target

_LATE_MS: Final = 60_000
"""A follower asks again for this time, because CloudWatch Logs may show a line after a younger one. An assumption."""
_OF_THE_RUNTIME: Final = frozenset(
    {"level", "message", "timestamp", "location", "service", "cold_start", "xray_trace_id", "sampling_rate"}
)


@dataclass(frozen=True)
class Line:
    """A line of a function's log.

    Attributes:
        at: Milliseconds since the epoch.
        region: Region of the function.
        function: One of `LOGGED`.
        message: The text, mostly a JSON object of Powertools.
        event: CloudWatch's id of the line.
    """

    at: int
    region: str
    function: str
    message: str
    event: str

    @property
    def time(self) -> str:
        """The time in UTC, with milliseconds."""
        return datetime.fromtimestamp(self.at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def text(self) -> str:
        """The level, the message and the fields of a JSON line; any other line as it is."""
        try:
            held = json.loads(self.message)
        except ValueError:
            return self.message.rstrip()
        if not isinstance(held, dict) or "message" not in held:
            return self.message.rstrip()
        more = {
            name: value for name, value in held.items() if name not in _OF_THE_RUNTIME and not name.startswith("function_")
        }
        return " ".join([str(held.get("level", "")), str(held["message"]), *([json.dumps(more)] if more else [])]).strip()

    def as_dict(self) -> dict[str, str]:
        """Return the line for JSON output."""
        return {"at": self.time, "region": self.region, "function": self.function, "message": self.message.rstrip()}


class Logs:
    """Reads log groups. A region that does not answer is named in `problems` and asked again.

    Args:
        target: The platform.
        regions: Regions to read.
        functions: Names of `LOGGED`.
        match: Text that each line holds: an object id, an object key, a message id; "" takes every line.

    Attributes:
        problems: Reason of each region that did not answer the last time.
    """

    def __init__(self, target: Target, regions: Sequence[str], functions: Sequence[str], match: str) -> None:
        self._target, self._regions, self._functions, self._match = target, regions, functions, match
        self.problems: dict[str, str] = {}

    def read(self, since_ms: int, until_ms: int) -> list[Line]:
        """Return the lines of a time span in their order.

        Args:
            since_ms: Milliseconds since the epoch, included.
            until_ms: Likewise, not included.

        Raises:
            RunFailure: No region answers.
        """
        found: list[Line] = []
        self.problems = {}
        for region in self._regions:
            try:
                lines = [self._lines(region, function, since_ms, until_ms) for function in self._functions]
                found += itertools.chain.from_iterable(lines)
            except (ClientError, BotoCoreError) as error:
                self.problems[region] = f"{region} is left out: {error}"
        if len(self.problems) == len(self._regions):
            raise RunFailure(
                "No region returned a log.",
                hint=" ".join([*self.problems.values(), "The caller needs logs:FilterLogEvents on the log groups."]),
            )
        return sorted(found, key=lambda line: line.at)

    def follow(self, since_ms: int, now_ms: Iterator[int]) -> Iterator[list[Line]]:
        """Yield the new lines at each time of `now_ms`, in milliseconds since the epoch; each line once."""
        seen: dict[str, int] = {}
        for now in now_ms:
            fresh = [line for line in self.read(since_ms, now + 1) if line.event not in seen]
            since_ms = max(since_ms, now - _LATE_MS)
            seen |= {line.event: line.at for line in fresh}
            seen = {event: at for event, at in seen.items() if at >= since_ms}
            yield fresh

    def _lines(self, region: str, function: str, since_ms: int, until_ms: int) -> list[Line]:
        client: Any = self._target.fail_fast_client("logs", region)
        group = self._target.name_of(function)
        # A quoted term matches JSON lines too; CloudWatch matches it exactly, in any case of letters given
        # (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html).
        pattern = {"filterPattern": json.dumps(self._match)} if self._match else {}
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=since_ms, endTime=until_ms - 1, **pattern
        )
        try:
            events = [event for page in pages for event in page["events"]]
        except client.exceptions.ResourceNotFoundException:
            return []
        return [
            Line(event["timestamp"], region, function, event["message"], _id(region, function, event)) for event in events
        ]


def _id(region: str, function: str, event: dict[str, Any]) -> str:
    """Return an id of a line; a cloud without event ids has the stream, the time and the text."""
    own = event.get("eventId") or f"{event['logStreamName']}/{event['timestamp']}/{event['message']}"
    return f"{region}/{function}/{own}"
