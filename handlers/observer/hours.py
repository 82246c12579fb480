"""Select and digest a bounded number of hours in each run.

A run digests if it is the first one of its `ROUND_SECONDS`, or if the last one left an hour unfinished:

* The open hour: every round. The hour before it, in which rows still arrive: every other round.
* Doubtful hours, which have no digest since they closed or differ from the peer's: `DOUBTFUL_A_ROUND` of them.
* One closed hour of the last 60, by the number of the round: each one is read again every five hours, to find a row that
  arrived late or was changed. This needs no stored state, and a missed round only delays the check.

So a run reads at most `3 + DOUBTFUL_A_ROUND` hours, and no more rows than its budget allows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aws_lambda_powertools import Logger

from handlers.observer.conflicts import Comparison, compare, is_conflict
from handlers.observer.digest_rows import DigestRow, DigestStore, Place
from handlers.observer.digests import Budget, HourReader, Scan, hour_of, hours_before
from handlers.shared import schema

logger = Logger(child=True)

ROUND_SECONDS: Final = 300
"""Digests only feed alarms, and each of their requests is an event of the audit trail, so they are not more frequent:
docs/cost.md."""
CLOSED_HOURS_WATCHED: Final = 60
"""The number of rounds in five hours."""
DOUBTFUL_A_ROUND: Final = 10
"""Enough to digest sixty doubtful hours within half an hour."""

_PLACES_LOGGED: Final = 32


@dataclass(frozen=True)
class Outcome:
    """The result of a run's digests."""

    scan: Scan | None
    """An unfinished hour; the next run continues it."""
    turn: int
    """Number of hours that were ever read to their end, which rotates the order of the hours."""
    conflicts: int
    """Digests that show a write-once row that changed, or differs from the peer's."""
    mismatches: int
    """Digests of closed hours that have other objects than the peer's."""


class HourDigests:
    """Digests hours, and compares them with the peer's.

    Args:
        reader: Reads this region's rows.
        store: Keeps digests.
        region: This region.
        peer_region: The other region; its digests are read from this region's replica.
    """

    def __init__(self, *, reader: HourReader, store: DigestStore, region: str, peer_region: str) -> None:
        self._reader = reader
        self._store = store
        self._region = region
        self._peer_region = peer_region

    def renew(self, *, now: float, unfinished: Scan | None, turn: int, budget: Budget) -> Outcome:
        """Digest the hours of a run, and compare them with the peer's.

        Args:
            now: Epoch seconds.
            unfinished: The unfinished hour of the last run.
            turn: `turn` of the last run's outcome.
            budget: Limit of the reads.

        Raises:
            ClientError: DynamoDB returned an error; the written digests are correct, and the next run does the rest.
            BotoCoreError: DynamoDB did not answer; the same holds.
        """
        watched = {"first_hour": hours_before(hour_of(now), CLOSED_HOURS_WATCHED + 1), "last_hour": hour_of(now)}
        ours = self._store.rows(self._region, **watched)
        theirs = self._store.rows(self._peer_region, **watched)
        changed: list[Place] = []
        scan = unfinished
        for hour in _order(unfinished, plan(now, ours, compare(ours, theirs), turn)):
            scan = self._reader.read(scan if scan and scan.hour == hour else Scan(hour), budget)
            if not scan.is_whole:
                break
            changed += self._note(scan, ours, now)
            scan, turn = None, turn + 1
        found = compare(ours, theirs)
        _log(found)
        return Outcome(
            scan=scan,
            turn=turn,
            conflicts=len(set(changed) | set(found.conflicts)),
            mismatches=len(found.mismatches),
        )

    def _note(self, scan: Scan, ours: dict[Place, DigestRow], now: float) -> list[Place]:
        """Store the digests of an hour; return the places where a write-once row has changed."""
        changed = []
        for prefix, digest in scan.by_prefix().items():
            place = (scan.hour, prefix)
            before, after = ours.get(place), DigestRow(digest, now)
            ours[place] = after
            if before and is_conflict(before.digest, digest):
                logger.error("a write-once row has changed", hour=scan.hour, prefix=prefix)
                changed.append(place)
            if before and before.digest.objects > digest.objects:
                logger.warning("objects are gone from the ledger", hour=scan.hour, prefix=prefix)
            if not before or before.digest != digest or before.is_closed(scan.hour) != after.is_closed(scan.hour):
                self._store.write(place, after)
        return changed


def round_of(now: float) -> int:
    """Return the number of the round of a time in epoch seconds."""
    return int(now // ROUND_SECONDS)


def plan(now: float, ours: Mapping[Place, DigestRow], found: Comparison, turn: int) -> list[str]:
    """Return the hours that a run digests, in order.

    Args:
        now: Epoch seconds.
        ours: This region's digests of the watched hours.
        found: Their comparison with the peer's.
        turn: Rotates the order, so that each hour comes first in turn when the budget is too small for all.
    """
    this_hour, number = hour_of(now), round_of(now)
    closed = [hours_before(this_hour, 2 + back) for back in range(CLOSED_HOURS_WATCHED)]
    differing = {hour for hour, _ in found.mismatches} | {hour for hour, _ in found.conflicts}
    doubtful = [hour for hour in closed if hour in differing or not _is_kept(hour, ours)]
    chosen = _rotated(doubtful, DOUBTFUL_A_ROUND * number)[:DOUBTFUL_A_ROUND]
    # The hour's own number selects it, so that no hour is skipped when the list moves by one hour.
    audited = closed[(int(now // 3600) - 2 - number) % CLOSED_HOURS_WATCHED]
    still_arriving = [hours_before(this_hour, 1)] if number % 2 == 0 else []
    return list(dict.fromkeys(_rotated([*chosen, *still_arriving, this_hour, audited], turn)))


def _is_kept(hour: str, ours: Mapping[Place, DigestRow]) -> bool:
    rows = [ours.get((hour, prefix)) for prefix in schema.DIGEST_PREFIXES]
    return all(row is not None and row.is_closed(hour) for row in rows)


def _order(unfinished: Scan | None, hours: Sequence[str]) -> list[str]:
    first = [unfinished.hour] if unfinished else []
    return list(dict.fromkeys([*first, *hours]))


def _rotated(hours: Sequence[str], turn: int) -> list[str]:
    begin = turn % len(hours) if hours else 0
    return [*hours[begin:], *hours[:begin]]


def _log(found: Comparison) -> None:
    if found.conflicts:
        logger.error("write-once rows differ from the other region's", places=found.conflicts[:_PLACES_LOGGED])
    if found.mismatches:
        logger.warning("closed hours hold other objects than in the other region", places=found.mismatches[:_PLACES_LOGGED])
