"""Find the repository's checkout: the one that holds this code, else the one around the current folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_FILES: Final = ("environments.toml", "noxfile.py", "lockstep/__main__.py")
"""Files that stand together in a checkout only; an installed wheel has none of the first two."""
_OWN: Final = Path(__file__).resolve().parents[1]


def find_checkout() -> Path | None:
    """Return the checkout's folder; None if the code is installed and the current folder is in no checkout."""
    return next((folder for folder in (_OWN, Path.cwd(), *Path.cwd().parents) if _is_checkout(folder)), None)


def _is_checkout(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _FILES)
