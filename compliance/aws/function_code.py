"""The code and the layers of functions, as the assembly holds them."""

import re
import zipfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from compliance.cfn.reading import require_mapping, require_text
from compliance.cfn.references import follow, render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, is_absent

_QUOTED: Final = re.compile(r"""["']([\w.-]+)["']""")


def packed(content: Mapping[str, Json], resource: Resource, world: TemplateSet) -> tuple[Path | None, str]:
    """Return the asset of the assembly that code, or a layer's content, is; and what is wrong, empty if nothing is."""
    assets = resource.template.assets
    if is_absent(content.get("S3Key")) or not assets:
        return None, ""
    value, template = follow(content.get("S3Bucket"), resource.template, world)
    bucket, key = render(value, template), render(content["S3Key"], resource.template)
    asset = assets.get((bucket, key))
    if asset is None and bucket in {known for known, _ in assets}:
        return None, f"its code is {key!r}, which is no asset of the assembly; let the CDK name the code"
    if asset is not None and not is_absent(content.get("S3ObjectVersion")):
        return asset, "S3ObjectVersion names another upload than the assembly's; leave it out"
    return asset, ""


def opened(asset: Path) -> Path | zipfile.Path:
    """Return the folder or the archive that an asset is, to look for files in it.

    Raises:
        UnresolvedError: It is neither.
    """
    if not asset.is_dir() and not zipfile.is_zipfile(asset):
        raise UnresolvedError(f"{asset} is neither a folder nor an archive, so what the function runs is unknown")
    return asset if asset.is_dir() else zipfile.Path(asset)


def is_written(word: str, functions: Iterable[Resource], world: TemplateSet) -> bool:
    """Return whether the Python of one of the functions holds a word in quotes; also if the code of one is not known."""
    folders = [_folders(function, world) for function in functions]
    if not folders or not all(folders):
        return True
    # The handler's own package first: reading every library takes a second.
    return any(word in _words(folder) for order in zip(*folders, strict=True) for folder in order)


def _folders(function: Resource, world: TemplateSet) -> tuple[Path, ...]:
    """Return the package of the handler and all code; empty where it is not a folder with Python."""
    asset, _ = packed(require_mapping(function.properties.get("Code"), "Code"), function, world)
    runtime = require_text(function.properties.get("Runtime"), "Runtime") or ""
    handler = require_text(function.properties.get("Handler"), "Handler") or ""
    is_known = asset is not None and asset.is_dir() and runtime.startswith("python")
    return (asset / handler.partition(".")[0], asset) if asset is not None and is_known else ()


@lru_cache(maxsize=64)
def _words(folder: Path) -> frozenset[str]:
    return frozenset(word for file in folder.rglob("*.py") for word in _QUOTED.findall(file.read_text("utf-8", "replace")))
