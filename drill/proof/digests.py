"""Order-independent digests, a count and a sum of hashes modulo 2^256, and their bisection.

Each entry counts in two places: in the cell of its hour and the first digit of its object id, which is published and
compared, and in the leaf of the first digits alone. Where cells differ, only the leaves under them that differ are read
again. The number of cells and leaves bounds the memory, regardless of the number of entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Generic, TypeVar

from drill.proof.effect import MODULUS, number_of

LEAF_DIGITS: Final = 3
"""Digits of the object id in a leaf: 4,096 leaves, so that a million objects are 244 a leaf."""

Cell = tuple[str, str]
"""Hour, and the first digit of the object id."""
Digest = tuple[int, int]
"""Count, and sum modulo 2^256."""
NOTHING: Final[Digest] = (0, 0)

_Key = TypeVar("_Key")


class Totals(Generic[_Key]):
    """Counts and sums by key."""

    def __init__(self) -> None:
        self._held: dict[_Key, Digest] = {}

    def add(self, key: _Key, number: int, count: int = 1) -> None:
        """Add `count` entries whose numbers sum to `number`."""
        held = self._held.get(key, NOTHING)
        self._held[key] = held[0] + count, (held[1] + number) % MODULUS

    def __getitem__(self, key: _Key) -> Digest:
        return self._held.get(key, NOTHING)

    @property
    def keys(self) -> set[_Key]:
        """The keys that have entries."""
        return set(self._held)


class Entries:
    """The digest of one source over (object id, content digest).

    Attributes:
        name: The source's name in findings.
        cells: By hour and first digit.
        leaves: By the first `LEAF_DIGITS` digits.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.cells: Totals[Cell] = Totals()
        self.leaves: Totals[str] = Totals()

    def add(self, object_id: str, hour: str, content: str) -> None:
        """Add an object; `content` is the SHA-256 of its bytes in this source."""
        number = number_of(f"{object_id}\0{content}")
        self.cells.add((hour, object_id[0]), number)
        self.leaves.add(leaf_of(object_id), number)


def leaf_of(object_id: str) -> str:
    """Return the leaf that an object belongs to."""
    return object_id[:LEAF_DIGITS]


def unequal_cells(sources: Sequence[Entries]) -> list[Cell]:
    """Return the cells in which the sources differ."""
    return sorted(_unequal([source.cells for source in sources]))


def unequal_leaves(sources: Sequence[Entries]) -> set[str]:
    """Return the leaves to read again, by bisection from the cells through longer prefixes.

    If an entry has another hour in one source, a cell differs but no leaf under it. All leaves of that digit are then read
    again.
    """
    cells = unequal_cells(sources)
    leaves = _unequal([source.leaves for source in sources])
    found: set[str] = set()
    for digit in sorted({digit for _, digit in cells}):
        below = {leaf for leaf in leaves if leaf.startswith(digit)}
        found |= below or {leaf for source in sources for leaf in source.leaves.keys if leaf.startswith(digit)}
    return found


def differing(one: Totals[_Key], other: Totals[_Key]) -> set[_Key]:
    """Return the keys whose counts or sums differ."""
    return _unequal([one, other])


def batches(leaves: Iterable[str], sources: Sequence[Entries], *, most: int) -> Iterator[frozenset[str]]:
    """Group leaves so that no group has more than `most` entries in a source, unless it is a single leaf."""
    batch: set[str] = set()
    held = 0
    for leaf in sorted(leaves):
        weight = max(source.leaves[leaf][0] for source in sources)
        if batch and held + weight > most:
            yield frozenset(batch)
            batch, held = set(), 0
        batch.add(leaf)
        held += weight
    if batch:
        yield frozenset(batch)


def _unequal(totals: Sequence[Totals[_Key]]) -> set[_Key]:
    if not totals:
        return set()
    keys = set().union(*(one.keys for one in totals))
    first, *others = totals
    return {key for key in keys if any(other[key] != first[key] for other in others)}
