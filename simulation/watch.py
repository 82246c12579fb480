"""The invariants that hold after every write, checked at each write and not only at the end of the history."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from handlers.shared.object_keys import object_identity
from simulation.expressions import Item
from simulation.plan import PRIMARY, REGIONS
from simulation.regions import Entry, Key, Region, Stamp
from simulation.scheduler import current_process

_OWNED: Final = frozenset({"ATTEMPT", "REPLICA", "UPLOAD"})
_OWNED_PARTITIONS: Final = frozenset({"CONTROL", "HEALTH", "HEARTBEAT", "FORCE", "DIGEST", "OBSERVER", "RECONCILER"})
_LASTING: Final = ("RESULT", "ACTIVE")
"""Sort keys of users' rows that must never expire; records of users' objects must not expire either."""
_CLAIM_SECONDS: Final = 30.0
"""Seconds, longer than a promotion's calls, including slow ones and a skewed clock."""
_LOOK_SECONDS: Final = 10.0
"""Seconds, longer than the calls from the bucket's response to the note."""
_NO_LETTER: Final = "no dead letter was sent"
_VERSION: Final = "processing_version"
_PROVENANCE: Final = frozenset({"region", "epoch", "version_id", "processed_at", "expires_at"})


@dataclass
class Watch:
    """Checks every item that a replica applies."""

    name_of: Callable[[str], str]
    is_canary: Callable[[str], bool]
    now: Callable[[], float]
    ordinals_of: Callable[[str, str], Collection[int]]
    violations: list[tuple[str, str]] = field(default_factory=list)
    _seen: set[tuple[str, Key]] = field(default_factory=set)
    _written: dict[Key, dict[str, Item]] = field(default_factory=dict)
    _written_at: dict[tuple[str, str, str], dict[Key, float]] = field(default_factory=dict)
    """When a region last wrote each record of an object, by the region, the object's id and the processing version."""

    def take(self, region: Region, key: Key, stamp: Stamp, before: Item | None, item: Item | None) -> None:
        """Check a write in a region, or one that replicates from the other."""
        pk, sk = key
        is_own = stamp[2] == region.name
        owner = _owner(pk, sk)
        if is_own and owner is not None and owner != region.name:
            self._break("a region writes its own rows only", key, f"{region.name} writes the row of {owner}")
        if is_own and item is not None and owner is None:
            self._shared(region, key, item)
        may_expire = sk not in _LASTING and not pk.startswith("REC#")
        if is_own and item is not None and "expires_at" in item and not may_expire and not self.is_canary(pk.split("#")[1]):
            self._break("what must last does not expire", key, f"{region.name} writes an expiry of {item['expires_at']}")
        if pk.startswith("CONTROL#"):
            self._claim(region, key, stamp, before, item)
        if is_own and pk.startswith("REC#"):
            self._record(region, key, before, item)
        if is_own and item and sk == f"ATTEMPT#{region.name}":
            self._attempt(region, key, before or {}, item)
        if pk.startswith("OBJ#") and sk == "RESULT":
            self._result(region, key, before, item, is_own=is_own)
        if is_own and sk.startswith("REPLICA#") and item and "settled_digest" in item:
            self._settled(region, key, before, item)

    def _attempt(self, region: Region, key: Key, before: Item, item: Item) -> None:
        if item.get("attempts") != before.get("attempts"):
            self._begun(region, key)
        if "gone" in item and "gone" not in before:
            self._gone(region, key, item["gone"]["S"])
        if "checkpoint" in item and item["checkpoint"] != before.get("checkpoint"):
            self._checkpoint(region, key, item["checkpoint"]["M"])

    def _claim(self, region: Region, key: Key, stamp: Stamp, before: Item | None, item: Item | None) -> None:
        if _epoch(item) < _epoch(before):
            self._break("the epoch never goes back", key, f"{_epoch(before)} becomes {_epoch(item)} in {region.name}")
        others = (_epoch(one) for pk, one in _claims(region, stamp[0] - _CLAIM_SECONDS) if pk != key[0])
        if stamp[2] == region.name and _epoch(item) <= (highest := max(others, default=0)):
            self._break("a claim is above every epoch that is visible", key, f"{_epoch(item)}, and there is {highest}")

    def _shared(self, region: Region, key: Key, item: Item) -> None:
        """Check a row without an owner: under one processing version, both regions write the same content."""
        written = self._written.setdefault(key, {})
        written[region.name] = item
        for name, other in written.items():
            if _meaning(other) != _meaning(item) and other.get(_VERSION) == item.get(_VERSION):
                self._break(
                    "a row has one writer or one content", key, f"{region.name}, {name}: {_differences(other, item)}"
                )

    def _result(self, region: Region, key: Key, before: Item | None, item: Item | None, *, is_own: bool) -> None:
        if item is None:
            self._break("RESULT is never removed", key, f"removed in {region.name}")
            return
        if is_own and (held := self._held(region, key[0], item)) != int(item["accepted"]["N"]):
            self._break(
                "RESULT follows its records",
                key,
                f"{region.name} writes RESULT of {item['accepted']['N']} over {held} records",
            )
        if is_own and item["region"]["S"] != region.name:
            self._break("RESULT names its writer", key, f"{region.name} writes the region {item['region']['S']}")
        low, high = (
            max((_epoch(one) for _, one in _claims(region, until)), default=0)
            for until in (self.now() - 3 * _CLAIM_SECONDS, float("inf"))
        )
        if is_own and not low <= _epoch(item) <= high:
            self._break("RESULT names its epoch", key, f"{region.name} writes {_epoch(item)}; it holds {low} to {high}")
        if is_own and (missing := _not_archived(region, key[0].removeprefix("OBJ#"), item)):
            self._break("RESULT follows its archive", key, f"{region.name}: {missing}")
        same_version = before is not None and before.get(_VERSION) == item.get(_VERSION)
        if is_own and same_version:
            self._break("the first RESULT of a version stays", key, f"{region.name} writes it again")
        if before and same_version and _meaning(before) != _meaning(item):
            self._break("RESULT never changes its meaning", key, f"{_differences(before, item)} in {region.name}")

    def _settled(self, region: Region, key: Key, before: Item | None, item: Item) -> None:
        if before and before.get("settled_digest") == item["settled_digest"]:
            return
        result = region.item(key[0], "RESULT")
        if result is None:
            self._break("a settled replica holds RESULT", key, f"{region.name} holds none")
        elif (held := self._held(region, key[0], result)) < int(result["accepted"]["N"]):
            self._break("a settled replica holds every record", key, f"{held} of {result['accepted']['N']} in {region.name}")
        elif _has_object(region, result, self.now()):
            missing = _not_archived(region, key[0].removeprefix("OBJ#"), result)
            if missing not in ("", _NO_LETTER):
                self._break("a settled region's archive holds what was rejected", key, f"{region.name}: {missing}")

    def _held(self, region: Region, object_pk: str, result: Item) -> int:
        """Count the records of RESULT's version, and those that the other region has replaced since.

        Since the invocation's beginning, and its last write: it counts afterwards, and no count sees what arrives while it
        lasts. The attempt that replaced them ends in its own RESULT; if its region is lost, the reconciler finds records
        of two versions.
        """
        written = self._written_at.get(
            (region.name, object_pk.removeprefix("OBJ#"), result.get(_VERSION, {"S": ""})["S"]), {}
        )
        process = current_process()
        since = max([process.began if process else self.now(), *written.values()])
        entries = (entry for key in written if (entry := region.table.get(key)))
        return _records(region, object_pk, result) + sum(
            entry.stamp[2] != region.name
            and entry.written_at >= since
            and (entry.item or result).get(_VERSION) != result.get(_VERSION)
            for entry in entries
        )

    def _gone(self, region: Region, key: Key, reason: str) -> None:
        """Check that the bucket holds no version of an object that a region records as gone."""
        until = self.now() - _LOOK_SECONDS - 3 * region.stall * (self.now() < region.stalled_until + 3 * region.stall)
        held = (one for one in region.ingest.values() if one.arrived_at < until)
        object_id = key[0].removeprefix("OBJ#")
        if any(object_identity("ingest", one.key, one.version_id) == object_id for one in held):
            self._break("what is noted as gone is gone", key, f"{region.name} holds a version: {reason}")

    def _record(self, region: Region, key: Key, before: Item | None, item: Item | None) -> None:
        """Check a record that a region writes or deletes."""
        if item is None:
            if before and (process := current_process()) and process.name == "processor":
                self._deleted(region, key, before)
            return
        object_id = key[0].split("#")[1]
        self._written_at.setdefault((region.name, object_id, item[_VERSION]["S"]), {})[key] = self.now()
        object_pk = f"OBJ#{object_id}"
        attempt, result, note = (
            region.table.get((object_pk, sk)) for sk in (f"ATTEMPT#{region.name}", "RESULT", f"REPLICA#{region.name}")
        )
        if attempt is None or attempt.item is None:
            self._break("records follow their attempt", key, f"{region.name} has noted none")
            return
        if not (result and note and result.item and note.item):
            return
        version, settled = item.get(_VERSION), (note.item.get("settled_digest"), note.item.get("settled_version"))
        # An invocation that looked before the note was written may still write, unless it began last.
        began_last = attempt.item.get(_VERSION) == version and attempt.written_at < note.written_at
        is_late = began_last or note.written_at < self.now() - 2 * _CLAIM_SECONDS
        if is_late and version != settled[1] and settled == (result.item["effect_digest"], result.item.get(_VERSION)):
            self._break("no note outlasts the records that it is about", key, f"{region.name} overwrites a settled object")

    def _deleted(self, region: Region, key: Key, before: Item) -> None:
        """Check that the processor deletes no record that a settled RESULT counts."""
        object_pk = f"OBJ#{key[0].split('#')[1]}"
        result, note = (region.item(object_pk, sk) for sk in ("RESULT", f"REPLICA#{region.name}"))
        if not (result and note) or before.get(_VERSION) != result.get(_VERSION):
            return
        if (note.get("settled_digest"), note.get("settled_version")) == (result["effect_digest"], result.get(_VERSION)):
            self._break(
                "no note outlasts the records that it is about", key, f"{region.name} deletes one of a settled object"
            )

    def _checkpoint(self, region: Region, key: Key, note: Item) -> None:
        """Check that a region has written each record below its checkpoint: in its version, and since its epoch began.

        A record that the replica holds of the other region is left out: it may have come later than the one written here.
        """
        object_id, version, epoch = key[0].removeprefix("OBJ#"), note[_VERSION]["S"], int(note["epoch"]["N"])
        since = max((one.written_at for _, one in _control_rows(region) if _epoch(one.item) == epoch), default=0.0)
        written = self._written_at.get((region.name, object_id, version), {})
        for ordinal in self.ordinals_of(object_id, version):
            place = (f"REC#{object_id}#{ordinal // 1000:06d}", f"{ordinal:012d}")
            entry = region.table.get(place)
            is_foreign = entry is not None and entry.stamp[2] != region.name
            if ordinal < int(note["ordinal"]["N"]) and written.get(place, -1.0) < since and not is_foreign:
                detail = f"{region.name} notes {note['ordinal']['N']} of {version} in epoch {epoch} without record {ordinal}"
                self._break("a checkpoint follows its records", key, detail)

    def _begun(self, region: Region, key: Key) -> None:
        """Check that a region that begins an object is the active one, or may act for it.

        It may if the active region's bucket does not hold the object, or to write the records of a RESULT again.
        """
        process = current_process()
        if process and process.met_fault:
            return  # a region that cannot read the register keeps its last answer, of any age
        rows = region.partition(key[0])
        if any("gone" in row for row in rows) or region.item(key[0], "RESULT"):
            return
        claims = list(_control_rows(region))
        if any(entry.written_at > self.now() - _CLAIM_SECONDS for _, entry in claims):
            return  # a function keeps the answer of its last look for some seconds
        epochs = {PRIMARY: 0} | {pk.partition("#")[2]: _epoch(entry.item) for pk, entry in claims}
        if max(epochs, key=lambda name: (epochs[name], name == PRIMARY)) != region.name:
            self._break("a passive region begins nothing", key, f"{region.name} begins it")

    def _break(self, invariant: str, key: Key, detail: str) -> None:
        if (invariant, key) not in self._seen:
            self._seen.add((invariant, key))
            name = self.name_of(key[0].removeprefix("OBJ#")) if key[0].startswith("OBJ#") else key[0]
            self.violations.append((invariant, f"{name}: {key[1]}: {detail}"))


def _has_object(region: Region, result: Item, now: float) -> bool:
    """Return whether the region's bucket has held the object of a RESULT for a minute."""
    until = now - 2 * _CLAIM_SECONDS
    wanted, version_id = result["object_key"]["S"], result["version_id"]["S"]
    version = region.ingest.get((wanted, version_id))
    if version and version.arrived_at < until:
        return True
    is_upload = wanted.startswith("incoming/uploads/")
    return any(
        key == wanted and (is_upload or held == version_id) and one.arrived_at < until
        for (key, held), one in region.ingest.items()
    )


def _not_archived(region: Region, object_id: str, result: Item) -> str:
    """Return the entry of an object that a region's archive or dead letters lack; empty if none."""
    if result["state"]["S"] == "QUARANTINED":
        wanted = [f"quarantined/{object_id}.json", f"quarantined/{object_id}/object"]
    else:
        wanted = [f"rejected/{object_id}.ndjson"] * (result["rejected"]["N"] != "0")
    missing = [name for name in wanted if name not in region.archive]
    if missing:
        return f"{missing[0]} is not in the archive"
    return _NO_LETTER if len(wanted) > 1 and object_id not in region.letters else ""


def _owner(pk: str, sk: str) -> str | None:
    """Return the only region that may write a row, by the end of its partition key or sort key."""
    for key, owned in ((pk, _OWNED_PARTITIONS), (sk, _OWNED)):
        kind, separator, rest = key.partition("#")
        if separator and kind in owned:
            return rest
    return None


def _claims(region: Region, until: float) -> Iterator[tuple[str, Item | None]]:
    """Yield the control rows that the replica held at that time. A row that arrives during a claim may tie with it."""
    for pk, entry in _control_rows(region):
        if entry.written_at < until:
            yield pk, entry.item


def _control_rows(region: Region) -> Iterator[tuple[str, Entry]]:
    for name in REGIONS:
        if entry := region.table.get((f"CONTROL#{name}", "ACTIVE")):
            yield f"CONTROL#{name}", entry


def _epoch(item: Item | None) -> int:
    return int((item or {}).get("epoch", {"N": "0"})["N"])


def _records(region: Region, object_pk: str, result: Item) -> int:
    """Count the records of RESULT's version. One of an older version may arrive at any time, and a later check finds it."""
    held = region.records.get(object_pk.removeprefix("OBJ#"), {})
    return sum(item.get(_VERSION) == result.get(_VERSION) for item in held.values())


def _meaning(result: Item) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name not in _PROVENANCE}


def _differences(before: Item, item: Item) -> str:
    names = [name for name in sorted(before.keys() | item.keys()) if name not in _PROVENANCE]
    return ", ".join(
        f"{name} {before.get(name)} becomes {item.get(name)}" for name in names if before.get(name) != item.get(name)
    )
