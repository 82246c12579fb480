"""Read the configurations to judge: the environments of environments.toml, or the configurations of matrix.toml."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

DEFAULT_FILE: Final = Path(__file__).parents[1] / "matrix.toml"
ENVIRONMENTS_FILE: Final = Path(__file__).parents[2] / "environments.toml"

_KEYS: Final = {"name", "environment", "settings"}


class MatrixError(Exception):
    """Raised when a file cannot be read, an entry is malformed, or the matrix lacks the requested configuration."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Settings that an app is built with.

    Attributes:
        name: Its name in reports.
        environment: For example `prod`.
        settings: Settings that override the built-in defaults, by dotted key.
        matrix: Whether it is of the matrix, which does not use environments.toml.
    """

    name: str
    environment: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    matrix: bool = False

    @classmethod
    def of(cls, environment: str) -> "Configuration":
        """Return the configuration of an environment of environments.toml."""
        return cls(name=environment, environment=environment)


def read_environments(file: Path | None = None) -> tuple[Configuration, ...]:
    """Read the names of the environments in the file, `prod` first; the app reads their settings.

    Args:
        file: By default the repository's environments.toml.

    Raises:
        MatrixError: It cannot be read, or names no environment.
    """
    path = file or ENVIRONMENTS_FILE
    tables = _parsed(path).get("environments")
    if not isinstance(tables, Mapping) or not tables:
        raise MatrixError(f"{path}: names no environment; write a table for each, like [environments.prod]")
    return tuple(Configuration.of(name) for name in sorted(tables, key=lambda name: name != "prod"))


def read_matrix(file: Path = DEFAULT_FILE) -> tuple[Configuration, ...]:
    """Read every configuration of the matrix.

    Raises:
        MatrixError: It cannot be read, or an entry is malformed.
    """
    document = _parsed(file)
    entries = document.pop("configuration", None)
    if document or not isinstance(entries, list) or not entries:
        raise MatrixError(f"{file}: holds something else than entries; write each entry as [[configuration]]")
    configurations = [_configuration(f"{file}: entry number {number}", entry) for number, entry in enumerate(entries, 1)]
    names = [configuration.name for configuration in configurations]
    for name in names:
        if names.count(name) > 1:
            raise MatrixError(f"{file}: {name!r} is in the matrix twice; rename one of the entries")
    return tuple(configurations)


def chosen(matrix: Sequence[Configuration], names: Sequence[str]) -> tuple[Configuration, ...]:
    """Return the configurations of these names, in the matrix's order.

    Raises:
        MatrixError: The matrix has no configuration of that name.
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
        raise MatrixError(f"{where}: has other keys; write name, environment and, if needed, settings")
    settings = entry.get("settings", {})
    if not isinstance(settings, Mapping):
        raise MatrixError(f"{where}: settings is not a table; write settings = {{ consistency = 'strong' }}")
    for key in ("name", "environment"):
        if not isinstance(entry[key], str) or not entry[key].strip():
            raise MatrixError(f"{where}: {key} is {entry[key]!r}; write a text")
    return Configuration(name=entry["name"], environment=entry["environment"], settings=dict(settings), matrix=True)
