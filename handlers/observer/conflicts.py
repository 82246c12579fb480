"""Compare digests to find write-once rows that differ.

DynamoDB logs no conflict of two regions' writes. If the same objects (`identities`) have different effects, a write-once row
was written twice with different content.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.observer.digest_rows import DigestRow, Place
from handlers.observer.digests import Digest


@dataclass(frozen=True)
class Comparison:
    """The differences between two regions' digests."""

    conflicts: tuple[Place, ...]
    """Places with the same objects and different effects."""
    mismatches: tuple[Place, ...]
    """Places in closed hours with different objects: a row has not arrived, or arrived after one region's last read."""


def is_conflict(one: Digest, other: Digest) -> bool:
    """Return whether two digests have the same objects with different effects."""
    same_objects = (one.objects, one.identities) == (other.objects, other.identities)
    return same_objects and one.effects != other.effects


def compare(ours: Mapping[Place, DigestRow], theirs: Mapping[Place, DigestRow]) -> Comparison:
    """Compare the places that both regions have digests for."""
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
