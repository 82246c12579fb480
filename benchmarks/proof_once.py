"""One measurement of the proof or of its peer, in a separate process, so that the peak of memory is that of the measurement.

`python -m benchmarks.proof_once (proof|tampered|sets|pages) OBJECTS` writes one JSON object to standard output.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks.proof_world import REGIONS, SCOPE, Receipts, World
from drill.proof.proving import prove_site
from drill.proof.scope import Site
from operations.ledger import object_id

TAMPERED: Final = 10


def main(what: str, objects: int) -> None:
    """Measure, and print it.

    Args:
        what: See `_WORK`.
        objects: How many uploads.
    """
    before, began, worked = _peak_bytes(), time.perf_counter(), time.process_time()
    result = _WORK[what](objects)
    measured = {
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(time.process_time() - worked, 2),
        "peak_bytes": _peak_bytes() - before,
    }
    sys.stdout.write(json.dumps(measured | result) + "\n")


def _prove(objects: int) -> dict[str, Any]:
    return _proof(World(objects))


def _prove_tampered(objects: int) -> dict[str, Any]:
    return _proof(World(objects, tampered=TAMPERED))


def _proof(world: World) -> dict[str, Any]:
    proof = prove_site(Site(world, REGIONS, REGIONS), SCOPE, Receipts(world.objects))
    wrong = proof.lost + proof.duplicated + proof.divergent
    return {"equal": proof.equal, "objects": proof.objects, "wrong": wrong}


def _compare_sets(objects: int) -> dict[str, Any]:
    """Compare five sets of ids, without the content, the effects, further rows and the bytes of the replicas."""
    sets = [{one.object_id for one in Receipts(objects)}]
    world = World(objects)
    for region in REGIONS:
        sets.append({object_id(version["Key"], version["VersionId"]) for version in _versions(world, region)})
        sets.append({row["pk"]["S"][4:] for row in _items(world, region) if row["sk"]["S"] == "RESULT"})
    return {"equal": all(one == sets[0] for one in sets), "objects": len(sets[0]), "wrong": 0}


def _only_pages(objects: int) -> dict[str, Any]:
    """Make all pages and look at none: what of the seconds is the benchmark's own."""
    world = World(objects)
    made = sum(1 for _ in Receipts(objects))
    for region in REGIONS:
        made += sum(1 for _ in _versions(world, region)) + sum(1 for _ in _items(world, region))
    return {"equal": True, "objects": objects, "wrong": 0, "made": made}


def _versions(world: World, region: str) -> Iterator[dict[str, Any]]:
    for page in world.client("s3", region).get_paginator("list_object_versions").paginate():
        yield from page["Versions"]


def _items(world: World, region: str) -> Iterator[dict[str, Any]]:
    for page in world.client("dynamodb", region).get_paginator("scan").paginate():
        yield from page["Items"]


def _peak_bytes() -> int:
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


_WORK: Final[dict[str, Callable[[int], dict[str, Any]]]] = {
    "proof": _prove,
    "tampered": _prove_tampered,
    "sets": _compare_sets,
    "pages": _only_pages,
}

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
