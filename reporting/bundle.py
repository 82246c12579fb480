"""evidence.zip as a format: how it is packed, always to the same bytes, and how it is checked.

Nothing is compressed, every date is the same and the members are sorted, so the archive follows from its members alone.
`verify` packs them again and compares: not a byte can hide between them.
"""

import hashlib
import json
import re
import stat
import struct
import zipfile
from collections import Counter
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

EVIDENCE: Final = "evidence.zip"
MANIFEST: Final = "manifest.json"
VERSION: Final = "1.0"
LARGEST: Final = 1 << 30
"""Bytes of an archive that is looked into. The evidence of a hundred configurations is a fraction of it."""

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_BROKEN: Final = (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError, RuntimeError, struct.error)


class _RefusedError(Exception):
    """The archive cannot be trusted enough to compare its members. The message says why."""


def pack(members: Mapping[str, bytes], **facts: object) -> bytes:
    """Pack members and a manifest of them. The same members and facts give the same bytes, on any machine.

    Args:
        members: The content of each file, by its path within the bundle.
        facts: What else the manifest says, as JSON.

    Raises:
        ValueError: A path is absolute, leaves the bundle, or is of more than plain characters.
    """
    for name in members:
        if not _PLAIN.fullmatch(name) or name == MANIFEST:
            raise ValueError(f"{name!r} cannot be a path within the bundle; use letters, digits and . _ - /")
    listed = {name: {"sha256": _sha256(content), "size": len(content)} for name, content in sorted(members.items())}
    manifest = json.dumps({"schema_version": VERSION, **facts, "members": listed}, indent=1).encode() + b"\n"
    return _archive({**members, MANIFEST: manifest})


def verify(path: Path) -> list[str]:
    """Check a bundle against its own manifest.

    It tells damage and tampering with a part. Who replaces the manifest too can only be told by the manifest's hash,
    which the gate printed when it made the bundle: see `fingerprint`.

    Returns:
        A sentence for each thing that is wrong; empty when nothing is.
    """
    try:
        content = _read(path)
        members = _members(content)
        problems = _compare(members, _manifest(members)) + _compare_templates(members) + _compare_others(members)
        problems += _compare_facts(members)
    except _RefusedError as error:
        return [str(error)]
    if not problems and _archive(members) != content:
        problems = ["the archive holds more than its members: its own records were changed"]
    return problems


def unpack(path: Path) -> dict[str, bytes]:
    """Read another bundle, to pack it into this one below a folder of its own, with its manifest.

    Raises:
        ValueError: It is none, or was tampered with; the message says how.
    """
    problems = verify(path)
    if problems:
        raise ValueError(f"{path}: {'; '.join(problems)}")
    return _members(path.read_bytes())


def fingerprint(path: Path) -> str:
    """The SHA-256 of a bundle's manifest, which stands for every byte of the bundle; empty when it has none to read."""
    try:
        return _sha256(_members(_read(path))[MANIFEST])
    except (_RefusedError, KeyError):
        return ""


def _archive(members: Mapping[str, bytes]) -> bytes:
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(members.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, whichever system packs it
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, content)
    return written.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise _RefusedError(f"{path} has more than {LARGEST:,} bytes; no bundle has")
        return path.read_bytes()
    except OSError as error:
        raise _RefusedError(f"{path} cannot be read: {error.strerror}") from error


def _members(content: bytes) -> dict[str, bytes]:
    """The members of an archive that is safe to read: plain paths, once each, and none that would grow."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            for entry in entries:
                _check_entry(entry)
            _check_all(entries, len(content))
            return {entry.filename: archive.read(entry) for entry in entries}
    except _BROKEN as error:
        raise _RefusedError(f"the archive is damaged or not a zip file: {error}") from error


def _check_entry(entry: zipfile.ZipInfo) -> None:
    if not _PLAIN.fullmatch(entry.filename) or entry.filename != entry.orig_filename:
        raise _RefusedError(f"the member {entry.orig_filename!r} has a path that could lead out of the bundle")
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise _RefusedError(f"the member {entry.filename!r} is compressed; a bundle's are not, so that none can be a bomb")


def _check_all(entries: list[zipfile.ZipInfo], size: int) -> None:
    repeated = [name for name, times in Counter(entry.filename for entry in entries).items() if times > 1]
    if repeated:
        raise _RefusedError(f"the member {repeated[0]!r} is there more than once")
    if sum(entry.file_size for entry in entries) > size:
        raise _RefusedError("the members overlap: together they are larger than the archive")


def _manifest(members: Mapping[str, bytes]) -> Mapping[str, Mapping[str, Any]]:
    """What the manifest lists."""
    if MANIFEST not in members:
        raise _RefusedError(f"{MANIFEST} is missing, so nothing can be compared")
    try:
        manifest = json.loads(members[MANIFEST], object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise _RefusedError(f"{MANIFEST} is not JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("schema_version") != VERSION:
        raise _RefusedError(f"{MANIFEST} is not of version {VERSION}")
    listed = manifest.get("members")
    if not isinstance(listed, dict) or not all(isinstance(entry, dict) for entry in listed.values()):
        raise _RefusedError(f"{MANIFEST} lists no members")
    return listed


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    repeated = [key for key, times in Counter(key for key, _ in pairs).items() if times > 1]
    if repeated:
        raise ValueError(f"the key {repeated[0]!r} is there more than once")
    return dict(pairs)


def _compare(members: Mapping[str, bytes], listed: Mapping[str, Mapping[str, Any]]) -> list[str]:
    present = set(members) - {MANIFEST}
    problems = [f"{name!r} is missing" for name in sorted(set(listed) - present)]
    problems += [f"{name!r} was added: the manifest does not list it" for name in sorted(present - set(listed))]
    for name in sorted(present & set(listed)):
        wanted, found = listed[name], members[name]
        if wanted.get("sha256") != _sha256(found) or wanted.get("size") != len(found):
            problems.append(f"{name!r} was changed: its SHA-256 is {_sha256(found)}, the manifest's {wanted.get('sha256')}")
    return problems


def _compare_facts(members: Mapping[str, bytes]) -> list[str]:
    """What the manifest says besides, which nothing lists, against report.json: the verdict above all."""
    try:
        report, facts = json.loads(members.get("report.json", b"{}")), json.loads(members[MANIFEST])
        return [
            f"{MANIFEST} was changed: it says that {name} is {fact!r}, and report.json {report[name]!r}"
            for name, fact in facts.items()
            if name in report and name != "schema_version" and report[name] != fact
        ]
    except (ValueError, RecursionError, TypeError):
        return []  # its own line says that report.json cannot be read


def _compare_others(members: Mapping[str, bytes]) -> list[str]:
    """Other bundles within this one, each against the manifest that it came with."""
    problems = []
    for manifest in sorted(name for name in members if name.endswith(f"/{MANIFEST}")):
        folder = manifest.removesuffix(MANIFEST)
        inner = {name.removeprefix(folder): content for name, content in members.items() if name.startswith(folder)}
        problems += [f"in {folder}: {problem}" for problem in _compare(inner, _manifest(inner))]
    return problems


def _compare_templates(members: Mapping[str, bytes]) -> list[str]:
    """The templates against the hashes in report.json, so that who changes one must forge the reports, too."""
    try:
        report = json.loads(members.get("report.json", b"{}"))
        wanted = {template["file"]: template["sha256"] for template in report.get("templates", ())}
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return ["'report.json' cannot be read as a report"]
    return [
        f"{file!r} is not the template that was judged: report.json has the SHA-256 {expected}"
        for file, expected in wanted.items()
        if file not in members or _sha256(members[file]) != expected
    ]
