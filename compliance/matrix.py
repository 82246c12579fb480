"""Every configuration that is kept at zero findings: an environment, and settings laid over its own."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

DEFAULT_FILE: Final = Path(__file__).parent / "matrix.toml"

_KEYS: Final = {"name", "environment", "settings"}


class MatrixError(Exception):
    """The matrix cannot be read, an entry of it is malformed, or a configuration is asked for that it does not have."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What an app is built for.

    Attributes:
        name: What reports call it.
        environment: For example `prod`.
        settings: What is laid over the environment's settings, by dotted key.
    """

    name: str
    environment: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, environment: str) -> "Configuration":
        """An environment as it is."""
        return cls(name=environment, environment=environment)

    @property
    def plain(self) -> bool:
        """Whether it is an environment as it is, with nothing laid over."""
        return not self.settings


def read_matrix(file: Path = DEFAULT_FILE) -> tuple[Configuration, ...]:
    """Read every configuration.

    Raises:
        MatrixError: It cannot be read; the message says what is wrong with which entry.
    """
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise MatrixError(f"{file}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise MatrixError(f"{file}: is not TOML: {error}") from error
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


def _configuration(where: str, entry: Any) -> Configuration:  # noqa: ANN401 - whatever TOML holds
    if not isinstance(entry, Mapping) or not {"name", "environment"} <= set(entry) <= _KEYS:
        raise MatrixError(f"{where}: must have the keys name and environment, may have settings, and has no others")
    settings = entry.get("settings", {})
    if not isinstance(settings, Mapping):
        raise MatrixError(f"{where}: settings must be a table, as settings = {{ consistency = 'strong' }}")
    for key in ("name", "environment"):
        if not isinstance(entry[key], str) or not entry[key].strip():
            raise MatrixError(f"{where}: {key} is {entry[key]!r}; it must be text")
    return Configuration(name=entry["name"], environment=entry["environment"], settings=dict(settings))
