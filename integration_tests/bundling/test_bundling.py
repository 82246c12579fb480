"""Test the bundle: it holds packages for the Lambda runtime at the locked versions; the host's bundle has the same."""

import itertools
import os
import re
import struct
import time
from pathlib import Path

import pytest

from infra import bundling
from infra.bundling import HANDLERS, LOCK_FILE, BundleTarget, BundlingError, bundle

AARCH64 = 183  # e_machine of ELF, from the processor supplement


@pytest.fixture(scope="module")
def asset() -> Path:
    return bundle(BundleTarget.LAMBDA)


@pytest.fixture(scope="module")
def host() -> Path:
    return bundle(BundleTarget.HOST)


def locked() -> dict[str, str]:
    """Each version in the lock file, by the library's normalized name."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^\s\\;]+)", LOCK_FILE.read_text(), re.MULTILINE)
    return {_normalized(name): version for name, version in pins}


def installed(directory: Path) -> dict[str, str]:
    """Each version in an asset, by the library's normalized name."""
    found = (re.fullmatch(r"(.+?)-([^-]+)\.dist-info", each.name) for each in directory.glob("*.dist-info"))
    return {_normalized(each[1]): each[2] for each in found if each}


def sources(directory: Path) -> dict[str, bytes]:
    handlers = directory / "handlers"
    return {str(each.relative_to(handlers)): each.read_bytes() for each in handlers.rglob("*.py")}


def test_every_compiled_library_is_the_runtimes(asset: Path) -> None:
    libraries = list(asset.rglob("*.so"))
    assert libraries
    for library in libraries:
        header = library.read_bytes()[:20]
        assert header[:4] == b"\x7fELF", library
        assert struct.unpack_from("<H", header, 18) == (AARCH64,), library
        assert "cpython-314-aarch64" in library.name or ".abi3." in library.name, library


@pytest.mark.parametrize("target", BundleTarget)
def test_the_libraries_are_the_locked_ones_and_no_others(target: BundleTarget) -> None:
    assert locked()
    assert installed(bundle(target)) == locked()


def test_the_asset_holds_the_handlers_and_leaves_boto3_to_the_runtime(asset: Path) -> None:
    assert (asset / "handlers" / "processor" / "transform.py").exists()
    assert not (asset / "botocore").exists()
    assert not list(asset.rglob("test_*.py"))
    assert not list(asset.rglob("__pycache__"))


@pytest.mark.parametrize("target", BundleTarget)
def test_both_targets_run_the_source_as_it_is_here(target: BundleTarget) -> None:
    here = {str(each.relative_to(HANDLERS)): each.read_bytes() for each in HANDLERS.rglob("*.py")}
    assert sources(bundle(target)) == here


def test_what_has_not_changed_is_not_made_again(asset: Path) -> None:
    made = (asset.stat().st_ino, (asset / "handlers").stat().st_mtime_ns)
    assert bundle(BundleTarget.LAMBDA) == asset
    assert (asset.stat().st_ino, (asset / "handlers").stat().st_mtime_ns) == made


def test_a_changed_source_is_another_asset_of_the_same_libraries(
    asset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = tmp_path / "handlers"
    changed.mkdir()
    (changed / "__init__.py").write_text("CHANGED = True\n")
    monkeypatch.setattr(bundling, "HANDLERS", changed)
    monkeypatch.setattr(bundling, "REPOSITORY", tmp_path)
    monkeypatch.setattr(bundling, "BUILD_DIRECTORY", tmp_path / "build")
    monkeypatch.setattr(bundling, "_libraries", lambda _: asset)
    other = bundle(BundleTarget.LAMBDA)
    assert other.name != asset.name
    assert other.name.split("-")[2] == asset.name.split("-")[2], "the lock file is the same"
    assert (other / "handlers" / "__init__.py").read_text() == "CHANGED = True\n"


def test_changes_of_source_leave_the_last_used_assets_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "handlers" / "__init__.py"
    source.parent.mkdir()
    monkeypatch.setattr(bundling, "HANDLERS", source.parent)
    monkeypatch.setattr(bundling, "REPOSITORY", tmp_path)
    monkeypatch.setattr(bundling, "BUILD_DIRECTORY", tmp_path / "build")
    monkeypatch.setattr(bundling, "_libraries", lambda _: source.parent)
    abandoned, under_way = (tmp_path / "build" / "assets" / f".unfinished-{name}" for name in ("old", "new"))
    for folder in (abandoned, under_way):
        folder.mkdir(parents=True)
    long_ago = time.time() - 7_200
    os.utime(abandoned, (long_ago, long_ago))

    hours = itertools.count()

    def use(number: int) -> Path:
        source.write_text(f"NUMBER = {number}\n")
        used = bundle(BundleTarget.HOST)
        hour = 3_600 * next(hours)  # else two within one tick of the file system's clock are equally old
        os.utime(used, (hour, hour))
        return used

    made = []
    for number in range(6):
        made.append(use(number))
        use(0)  # made first, and used all the time
    assert [one.exists() for one in made] == [True, False, False, True, True, True]
    assert not abandoned.exists()
    assert under_way.exists()


def test_missing_version_is_reported_in_pips_words_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"orjson==0.0.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(bundling, "LOCK_FILE", lock)
    monkeypatch.setattr(bundling, "REPOSITORY", tmp_path)
    monkeypatch.setattr(bundling, "BUILD_DIRECTORY", tmp_path / "build")
    # Asks no index: there is nothing to find in an empty folder.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(BundlingError, match="orjson") as raised:
        bundle(BundleTarget.LAMBDA)
    assert "requirements.txt for the target 'lambda'" in str(raised.value)
    assert "nox -s lock" in str(raised.value)
    assert list((tmp_path / "build" / "libraries").iterdir()) == []


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_asset_of_a_private_umask_is_readable_by_lambda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundling, "BUILD_DIRECTORY", tmp_path / "build")
    monkeypatch.setattr(bundling, "_libraries", lambda _target: tmp_path / "libraries")
    umask = os.umask(0o077)
    try:
        (tmp_path / "libraries" / "package").mkdir(parents=True)
        (tmp_path / "libraries" / "package" / "library.so").touch(0o700)
        made = bundle(BundleTarget.LAMBDA)
    finally:
        os.umask(umask)
    modes = {each.relative_to(made).as_posix(): each.stat().st_mode & 0o777 for each in (made, *made.rglob("*"))}
    assert modes["handlers/shared/schema.py"] == 0o644
    assert {mode for name, mode in modes.items() if (made / name).is_dir()} == {0o755}
    assert modes["package/library.so"] == 0o755


def test_libraries_of_a_user_who_installs_for_himself_are_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundling, "BUILD_DIRECTORY", tmp_path)
    monkeypatch.setenv("PIP_USER", "1")
    assert installed(bundle(BundleTarget.LAMBDA)) == locked()
