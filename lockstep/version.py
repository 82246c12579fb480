"""The version of the project."""

from __future__ import annotations

from pathlib import Path


def version() -> str:
    """Return the version of the installed package, or of the checkout that holds this code."""
    from importlib import metadata  # noqa: PLC0415 - it takes a third of the time of `lockstep --help`

    try:
        return metadata.version("lockstep")
    except metadata.PackageNotFoundError:
        import tomllib  # noqa: PLC0415 - likewise

        project = Path(__file__).resolve().parents[1] / "pyproject.toml"
        return str(tomllib.loads(project.read_text("utf-8"))["project"]["version"])
