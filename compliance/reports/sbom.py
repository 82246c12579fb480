"""Render sbom.cdx.json: a CycloneDX 1.6 bill of materials, made from the lock files.

A release on PyPI has a hash for each wheel, and a component has room for one. The bundle therefore holds the lock files
with all hashes.
"""

import base64
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from compliance.reports.provenance import PROJECT

_PIN: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)", re.MULTILINE)


def render(day: date, project: Path = PROJECT) -> str:
    """Return the bill of materials as JSON text, the same bytes for the same lock files and day.

    Args:
        day: The day in its timestamp.
        project: The folder of the lock files. A missing file adds nothing.
    """
    components = sorted(_components(project), key=lambda component: str(component.purl))
    root = Component(name="lockstep", version=_version(project), type=ComponentType.APPLICATION, bom_ref="lockstep")
    bom = Bom(
        serial_number=uuid5(NAMESPACE_URL, f"lockstep:sbom:{day}:{','.join(str(found.purl) for found in components)}"),
        metadata=BomMetaData(timestamp=datetime.combine(day, time(), UTC), component=root),
        components=components,
    )
    # A lock file does not distinguish direct from indirect dependencies.
    bom.register_dependency(root, components)
    # The library's own output is one line, which a person cannot read.
    document: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    return json.dumps(document, indent=1) + "\n"


def _version(project: Path) -> str | None:
    file = project / "pyproject.toml"
    return str(tomllib.loads(file.read_text("utf-8"))["project"]["version"]) if file.is_file() else None


def _components(project: Path) -> Iterator[Component]:
    bundled = set(_pins(project / "handlers" / "requirements.txt"))
    for name, version in _pins(project / "requirements" / "dev.txt"):
        scope = ComponentScope.REQUIRED if (name, version) in bundled else ComponentScope.EXCLUDED
        yield _component(PackageURL("pypi", None, name, version), scope)
    for name, version, integrity in _packages(project / "package-lock.json"):
        namespace, _, short = name.rpartition("/")
        yield _component(PackageURL("npm", namespace or None, short, version), ComponentScope.EXCLUDED, _hashes(integrity))


def _component(purl: PackageURL, scope: ComponentScope, hashes: Iterable[HashType] = ()) -> Component:
    """Return a component: `required` if deployed functions contain it, `excluded` if it only builds and tests."""
    return Component(
        name=purl.name,
        group=purl.namespace,
        version=purl.version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=str(purl),
        scope=scope,
        hashes=hashes,
    )


def _pins(file: Path) -> list[tuple[str, str]]:
    text = file.read_text("utf-8") if file.is_file() else ""
    return list(dict.fromkeys((pin["name"].lower(), pin["version"]) for pin in _PIN.finditer(text)))


def _packages(file: Path) -> Iterator[tuple[str, str, str]]:
    """Return the name, version and integrity of each package that package-lock.json installs."""
    if not file.is_file():
        return
    seen = set()
    for path, entry in json.loads(file.read_text("utf-8"))["packages"].items():
        name = path.rpartition("node_modules/")[2]
        if name and "version" in entry and (name, entry["version"]) not in seen:
            seen.add((name, entry["version"]))
            yield name, entry["version"], entry.get("integrity", "")


def _hashes(integrity: str) -> list[HashType]:
    """Return the SHA-512 of npm's base64 `integrity` in hexadecimal."""
    algorithm, _, digest = integrity.partition("-")
    return [HashType(alg=HashAlgorithm.SHA_512, content=base64.b64decode(digest).hex())] if algorithm == "sha512" else []
