"""Anchor the chain of drills in the gate's evidence, and compare a chain with its anchor.

Each drill's report holds the SHA-256 of the one before. A chain without its newest drill, and one that was written anew, are
consistent in themselves: only what stands elsewhere, in evidence that is signed, contradicts them.
"""

import hashlib
import json
from pathlib import Path
from typing import Final

from reporting.bundle import EVIDENCE, unpack

FILE: Final = "drill-chain.json"
_REPORT: Final = "report.json"


def members(folder: Path) -> dict[str, bytes]:
    """Return the members of a drill's evidence, and the anchor of its chain as FILE; without one if no report names it.

    Args:
        folder: The drill's folder; the folder above holds the earlier drills, as far as they are on this machine.

    Raises:
        ValueError: It holds no bundle, or one that was changed.
    """
    found = unpack(folder / EVIDENCE)
    report = found.get(_REPORT, b"")
    match _parsed(report):
        case {"drill_id": str(newest)}:
            count, _ = _walk(folder.parent, _previous(report))
            anchor = {"newest": newest, "report_sha256": _sha256(report), "drills": 1 + count}
            return {**found, FILE: json.dumps(anchor, indent=1).encode() + b"\n"}
    return found


def compare(bundle: Path, root: Path) -> list[str]:
    """Check that the drills in a folder are the anchored ones. Later drills are allowed.

    Args:
        bundle: The gate's evidence.zip.
        root: The folder of all drills, `reports/drill`.

    Returns:
        A sentence for each problem; empty if there is none.
    """
    try:
        match _parsed(unpack(bundle).get(FILE, b"")):
            case {"newest": str(newest), "report_sha256": str(sha256), "drills": int(wanted)}:
                count, problem = _walk(root, (newest, sha256))
            case _:
                return [f"{bundle} anchors no chain of drills, so {root} is not checked; run the gate after a drill"]
    except ValueError:
        return []  # the check of the bundle says why
    if count >= wanted:
        return []
    return [f"{root}: of the {wanted} drills up to {newest} that {bundle} anchors, {count} are as they were: {problem}"]


def _walk(root: Path, link: tuple[str, str] | None) -> tuple[int, str]:
    """Return the number of drills from a link back to the first one, and why there are no more."""
    count = 0
    while link:
        name, sha256 = link
        try:
            report = (root / Path(name).name / _REPORT).read_bytes()
        except OSError:
            return count, f"the report of {name} is missing"
        if _sha256(report) != sha256:
            return count, f"the report of {name} was changed: its SHA-256 is {_sha256(report)}, it was {sha256}"
        count, link = count + 1, _previous(report)
    return count, "the chain has no more"


def _previous(report: bytes) -> tuple[str, str] | None:
    match _parsed(report):
        case {"previous": {"drill_id": str(name), "report_sha256": str(sha256)}}:
            return name, sha256
    return None


def _parsed(content: bytes) -> object:
    try:
        parsed: object = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return parsed


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
