"""What digests tell when they are compared: rows that are written once and yet differ.

DynamoDB logs no conflict of two regions' writes. Where the same objects (`identities`) have other effects, a row that is
written once was written twice, and differently.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.observer.digest_rows import DigestRow, Place
from handlers.observer.digests import Digest


@dataclass(frozen=True)
class Comparison:
    """Of two regions' digests."""

    conflicts: tuple[Place, ...]
    """The same objects with other effects."""
    mismatches: tuple[Place, ...]
    """Closed hours of other objects: something has not arrived, or came late to an hour that one region has not
    looked at again."""


def is_conflict(one: Digest, other: Digest) -> bool:
    """Return whether two digests are of the same objects, and what became of them differs."""
    same_objects = (one.objects, one.identities) == (other.objects, other.identities)
    return same_objects and one.effects != other.effects


def compare(ours: Mapping[Place, DigestRow], theirs: Mapping[Place, DigestRow]) -> Comparison:
    """Compare what both regions have digests of."""
    both = sorted(ours.keys() & theirs.keys())
    return Comparison(
        conflicts=tuple(place for place in both if is_conflict(ours[place].digest, theirs[place].digest)),
        mismatches=tuple(place for place in both if _is_mismatch(place, ours[place], theirs[place])),
    )


def _is_mismatch(place: Place, ours: DigestRow, theirs: DigestRow) -> bool:
    hour, _ = place
    are_closed = ours.is_closed(hour) and theirs.is_closed(hour)
    one, other = ours.digest, theirs.digest
    return are_closed and (one.objects, one.identities) != (other.objects, other.identities)
