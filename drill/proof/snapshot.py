"""A snapshot of the write-once rows, which reveals later changes to them.

A row that changes in both replicas alike is equal in both afterwards. Only a comparison of two times reveals it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drill.model import Finding
from drill.proof.effect import MODULUS
from drill.proof.rows import Family, Row, hash_of, place
from drill.proof.scope import Platform, Scope
from drill.proof.sources import is_of_scope
from drill.reports import files
from operations.deployment import Deployment
from operations.errors import RunFailure


@dataclass(frozen=True)
class Snapshot:
    """The write-once rows of a scope's finished objects.

    Attributes:
        rows: By region and object id, the hash of its RESULT row, the number of its records, and the sum of their hashes.
    """

    rows: dict[str, dict[str, tuple[str, int, str]]]

    @classmethod
    def take(cls, deployment: Deployment, scope: Scope, *, regions: Sequence[str] | None = None) -> Snapshot:
        """Read the replicas. Objects without a RESULT are left out: their records may still be written."""
        known = deployment.target.regions
        return cls({region: _read(deployment, scope, region, known) for region in regions or known})

    def compare(self, later: Snapshot) -> list[Finding]:
        """Return a finding for each row that changed or vanished since, in the regions that both snapshots include."""
        return [
            Finding(kind="divergent", object_id=object_id, where=f"ledger {region}", what=what)
            for region in sorted(self.rows.keys() & later.rows.keys())
            for object_id, before in sorted(self.rows[region].items())
            for what in _changes(before, later.rows[region].get(object_id))
        ]

    def save(self, path: Path) -> None:
        """Write the snapshot as JSON, atomically, so that a resumed drill can read it."""
        files.write(path, f"{json.dumps(self.as_dict())}\n".encode())

    @classmethod
    def load(cls, path: Path) -> Snapshot:
        """Read the file of `save`."""
        try:
            return cls.from_dict(json.loads(path.read_bytes()))
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise RunFailure(
                f"{path} is not a snapshot of write-once rows: {type(error).__name__}: {error}",
                hint="It was changed, or the disk was full. Delete it and resume the drill: rows that changed during the "
                "failover are then not detected; everything else is.",
            ) from error

    def as_dict(self) -> dict[str, Any]:
        """Return the snapshot as JSON data."""
        return {"rows": self.rows}

    @classmethod
    def from_dict(cls, held: dict[str, Any]) -> Snapshot:
        """Read the JSON data of `as_dict`."""
        return cls(
            {
                region: {one: (str(result), int(records), str(total)) for one, (result, records, total) in rows.items()}
                for region, rows in held["rows"].items()
            }
        )


@dataclass
class _Finished:
    result: str = ""
    records: int = 0
    total: int = 0
    is_of_scope: bool = field(default=False)


def _read(platform: Platform, scope: Scope, region: str, known: tuple[str, ...]) -> dict[str, tuple[str, int, str]]:
    objects: dict[str, _Finished] = {}
    pages = platform.client("dynamodb", region).get_paginator("scan")
    for page in pages.paginate(TableName=platform.table(region), ConsistentRead=True):
        for row in page["Items"]:
            _take(row, objects, scope, known)
    return {
        object_id: (one.result, one.records, f"{one.total:064x}") for object_id, one in objects.items() if one.is_of_scope
    }


def _take(row: Row, objects: dict[str, _Finished], scope: Scope, known: tuple[str, ...]) -> None:
    where = place(row, known)
    if where is None or where.family not in {Family.RESULT, Family.RECORD}:
        return
    one = objects.setdefault(where.object_id, _Finished())
    if where.family is Family.RESULT:
        one.result = f"{hash_of(row):064x}"
        one.is_of_scope = is_of_scope(row, scope)
    else:
        one.records += 1
        one.total = (one.total + hash_of(row)) % MODULUS


def _changes(before: tuple[str, int, str], after: tuple[str, int, str] | None) -> list[str]:
    if after is None:
        return ["the RESULT row, which is written once, has vanished since the snapshot"]
    changes = []
    if after[0] != before[0]:
        changes.append("the RESULT row, which is written once, has changed since the snapshot")
    if after[1:] != before[1:]:
        changes.append(
            f"the records, which are written once, have changed since the snapshot: {before[1]} then, {after[1]} now"
        )
    return changes
