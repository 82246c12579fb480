"""What the app is judged in: each environment that environments.toml names, or each configuration of the matrix."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

DEFAULT_FILE: Final = Path(__file__).parents[1] / "matrix.toml"
ENVIRONMENTS_FILE: Final = Path(__file__).parents[2] / "environments.toml"

_KEYS: Final = {"name", "environment", "settings"}


class MatrixError(Exception):
    """The matrix or environments.toml cannot be read, an entry is malformed, or the matrix lacks what is asked for."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What an app is built for.

    Attributes:
        name: What reports call it.
        environment: For example `prod`.
        settings: What is laid over the built-in defaults, by dotted key.
        matrix: Whether it is of the matrix, and so owes nothing to environments.toml.
    """

    name: str
    environment: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    matrix: bool = False

    @classmethod
    def of(cls, environment: str) -> "Configuration":
        """Return an environment as environments.toml has it."""
        return cls(name=environment, environment=environment)


def read_environments(file: Path | None = None) -> tuple[Configuration, ...]:
    """Read which environments the file has tables for, `prod` first; their settings are the app's to read.

    Args:
        file: By default the repository's environments.toml.

    Raises:
        MatrixError: It cannot be read, or names no environment.
    """
    path = file or ENVIRONMENTS_FILE
    tables = _parsed(path).get("environments")
    if not isinstance(tables, Mapping) or not tables:
        raise MatrixError(
            f"{path}: names no environment; write a table [environments.<name>] for each, as [environments.prod]"
        )
    return tuple(Configuration.of(name) for name in sorted(tables, key=lambda name: name != "prod"))


def read_matrix(file: Path = DEFAULT_FILE) -> tuple[Configuration, ...]:
    """Read every configuration.

    Raises:
        MatrixError: It cannot be read; the message says what is wrong with which entry.
    """
    document = _parsed(file)
    entries = document.pop("configuration", None)
    if document or not isinstance(entries, list) or not entries:
        raise MatrixError(f"{file}: must hold entries, written as [[configuration]], and nothing else")
    configurations = [_configuration(f"{file}: entry number {number}", entry) for number, entry in enumerate(entries, 1)]
    names = [configuration.name for configuration in configurations]
    for name in names:
        if names.count(name) > 1:
            raise MatrixError(f"{file}: {name!r} stands in the matrix twice")
    return tuple(configurations)


def chosen(matrix: Sequence[Configuration], names: Sequence[str]) -> tuple[Configuration, ...]:
    """The configurations of these names, in the matrix's order.

    Raises:
        MatrixError: The matrix has none of that name.
    """
    known = [configuration.name for configuration in matrix]
    for name in names:
        if name not in known:
            raise MatrixError(f"the matrix has no configuration {name!r}; it has {', '.join(known)}")
    return tuple(configuration for configuration in matrix if configuration.name in names)


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise MatrixError(f"{file}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise MatrixError(f"{file}: is not TOML: {error}") from error


def _configuration(where: str, entry: Any) -> Configuration:  # noqa: ANN401 - whatever TOML holds
    if not isinstance(entry, Mapping) or not {"name", "environment"} <= set(entry) <= _KEYS:
        raise MatrixError(f"{where}: must have the keys name and environment, may have settings, and has no others")
    settings = entry.get("settings", {})
    if not isinstance(settings, Mapping):
        raise MatrixError(f"{where}: settings must be a table, as settings = {{ consistency = 'strong' }}")
    for key in ("name", "environment"):
        if not isinstance(entry[key], str) or not entry[key].strip():
            raise MatrixError(f"{where}: {key} is {entry[key]!r}; it must be text")
    return Configuration(name=entry["name"], environment=entry["environment"], settings=dict(settings), matrix=True)
