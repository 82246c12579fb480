"""Which hours a run digests: a bounded number, so that every hour is seen in time and none is for ever.

A run digests when it is the first of its `ROUND_SECONDS`, or when the last one left an hour half read:

* The open hour: every round. The one before it, in which rows still arrive: every other round.
* Doubtful hours, which are closed and not digested since, or differ from the peer's: `DOUBTFUL_A_ROUND` of them.
* One closed hour of the last 60, by the number of the round: each is looked at again every five hours, so that a row that
  came late, or was changed, is found. It needs no memory, and a round that was missed costs nothing but the delay.

So a run reads at most `3 + DOUBTFUL_A_ROUND` hours, and of those no more rows than its budget allows.
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
"""Nothing but alarms follows from a digest, and each of its requests is an event of the audit trail: docs/cost.md."""
CLOSED_HOURS_WATCHED: Final = 60
"""As many as five hours have rounds."""
DOUBTFUL_A_ROUND: Final = 10
"""So that even sixty are digested within half an hour."""

_PLACES_TOLD: Final = 32


@dataclass(frozen=True)
class Outcome:
    """What a run's digests came to."""

    scan: Scan | None
    """An hour that is read half; the next run goes on with it."""
    turn: int
    """How many hours were ever read to their end, so that each gets its turn."""
    conflicts: int
    """Digests that show a row written once to be another than before, or another than in the peer's region."""
    mismatches: int
    """Digests of closed hours that are of other objects than the peer's."""


class HourDigests:
    """Digests hours, and compares them with the peer's.

    Args:
        reader: Reads this region's rows.
        store: Keeps digests.
        region: This region.
        peer_region: The other; its digests are read here, as replication brings them.
    """

    def __init__(self, *, reader: HourReader, store: DigestStore, region: str, peer_region: str) -> None:
        self._reader = reader
        self._store = store
        self._region = region
        self._peer_region = peer_region

    def renew(self, *, now: float, unfinished: Scan | None, turn: int, budget: Budget) -> Outcome:
        """Digest the hours of a run, and compare.

        Args:
            now: Epoch seconds.
            unfinished: What the last run left half read.
            turn: As the last run's outcome had it.
            budget: What may be read.

        Raises:
            ClientError: DynamoDB refused; what was written is right, and the rest is done in the next run.
            BotoCoreError: DynamoDB did not answer; likewise.
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
        _tell(found)
        return Outcome(
            scan=scan,
            turn=turn,
            conflicts=len(set(changed) | set(found.conflicts)),
            mismatches=len(found.mismatches),
        )

    def _note(self, scan: Scan, ours: dict[Place, DigestRow], now: float) -> list[Place]:
        """Keep what an hour came to; return where a row that is written once has changed."""
        changed = []
        for prefix, digest in scan.by_prefix().items():
            place = (scan.hour, prefix)
            before, after = ours.get(place), DigestRow(digest, now)
            ours[place] = after
            if before and is_conflict(before.digest, digest):
                logger.error("a row that is written once has changed", hour=scan.hour, prefix=prefix)
                changed.append(place)
            if before and before.digest.objects > digest.objects:
                logger.warning("objects are gone from the ledger", hour=scan.hour, prefix=prefix)
            if not before or before.digest != digest or before.is_closed(scan.hour) != after.is_closed(scan.hour):
                self._store.write(place, after)
        return changed


def round_of(now: float) -> int:
    """Return the number of the round that a moment, in epoch seconds, is in."""
    return int(now // ROUND_SECONDS)


def plan(now: float, ours: Mapping[Place, DigestRow], found: Comparison, turn: int) -> list[str]:
    """Return the hours that a run digests, in order.

    Args:
        now: Epoch seconds.
        ours: This region's digests of the watched hours.
        found: How they compare with the peer's.
        turn: Where to begin, so that a budget that is always spent is spent on each in turn.
    """
    this_hour, number = hour_of(now), round_of(now)
    closed = [hours_before(this_hour, 2 + back) for back in range(CLOSED_HOURS_WATCHED)]
    differing = {hour for hour, _ in found.mismatches} | {hour for hour, _ in found.conflicts}
    doubtful = [hour for hour in closed if hour in differing or not _is_kept(hour, ours)]
    chosen = _rotated(doubtful, DOUBTFUL_A_ROUND * number)[:DOUBTFUL_A_ROUND]
    # By the hour's own number, so that none is passed over when the list moves on by an hour.
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


def _tell(found: Comparison) -> None:
    if found.conflicts:
        logger.error("rows that are written once differ from the other region's", places=found.conflicts[:_PLACES_TOLD])
    if found.mismatches:
        logger.warning("closed hours hold other objects than in the other region", places=found.mismatches[:_PLACES_TOLD])
