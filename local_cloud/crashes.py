"""Kill functions between two of their calls: after one has its effect, and before the other has.

A worker puts its process id into every request (`workers`), which shows the process that made a call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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
