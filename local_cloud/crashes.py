"""Kill functions between two of their calls: after one has its effect, and before the other has.

A worker puts its process id into every request (`workers`), which shows the process that made a call.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from ministack.services import sqs

from local_cloud import hazards, workers

HEADER: Final = b"x-local-cloud-process"
"""Header of a worker's requests: its process id."""


@dataclass(frozen=True)
class Crash:
    """A fault of a region's functions.

    Attributes:
        first: The call after which a function is killed, for example `BatchWriteItem`.
        second: The call before which it is killed.
        share: Share of these occasions, 0 to 1.
    """

    first: str
    second: str
    share: float


current: Final[dict[str, Crash]] = {}
"""By region."""
_made: Final[set[int]] = set()
"""The processes that have made a first call and no second one since."""


def set_crash(region: str, first: str, second: str, share: float) -> None:
    """Kill a share of a region's functions between two calls; 0 ends it."""
    if not 0 <= share <= 1:
        raise ValueError(f"The share must be from 0 to 1; got {share}.")
    _made.clear()
    if share:
        current[region] = Crash(first, second, share)
    else:
        current.pop(region, None)


def return_messages(region: str) -> int:
    """Make the messages in flight of a region's queues visible, as after their visibility timeout; return their number."""
    now, count = time.time(), 0
    with sqs._queues_lock:
        for (_, of, _), queue in sqs._queues.to_dict().items():
            for message in queue["messages"] if of == region else ():
                if message["receive_count"] and message["visible_at"] > now:
                    message["visible_at"] = now
                    count += 1
    return count


def kills(headers: dict[bytes, bytes]) -> bool:
    """Note a call; kill its function, and return True, if the call is to be the second one of a crash."""
    process = int(headers.get(HEADER, b"0"))
    region = workers.region_of(process) if process else ""
    crash = current.get(region)
    if crash is None:
        return False
    action = headers.get(b"x-amz-target", b"").decode("latin-1").rpartition(".")[2]
    if action == crash.first:
        _made.add(process)
    elif action == crash.second and process in _made:
        _made.discard(process)
        if hazards.current.dice("crash").random() < crash.share:
            workers.kill(process)
            return True
    return False
