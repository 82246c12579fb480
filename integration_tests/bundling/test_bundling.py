"""What is bundled for Lambda is the Lambda runtime's, and nobody else's."""

import struct
from pathlib import Path

import pytest

from infra.bundling import BundleTarget, bundle

AARCH64 = 183  # e_machine of ELF, from the processor supplement


@pytest.fixture(scope="module")
def asset() -> Path:
    return bundle(BundleTarget.LAMBDA)


def test_every_compiled_library_is_the_runtimes(asset: Path) -> None:
    libraries = list(asset.rglob("*.so"))
    assert libraries
    for library in libraries:
        header = library.read_bytes()[:20]
        assert header[:4] == b"\x7fELF", library
        assert struct.unpack_from("<H", header, 18) == (AARCH64,), library
        assert "cpython-314-aarch64" in library.name or ".abi3." in library.name, library


def test_the_asset_holds_the_handlers_and_leaves_boto3_to_the_runtime(asset: Path) -> None:
    assert (asset / "handlers" / "processor" / "transform.py").exists()
    assert not (asset / "botocore").exists()
    assert not list(asset.rglob("test_*.py"))


def test_what_has_not_changed_is_not_made_again(asset: Path) -> None:
    made = asset.stat().st_mtime_ns
    assert bundle(BundleTarget.LAMBDA) == asset
    assert asset.stat().st_mtime_ns == made
