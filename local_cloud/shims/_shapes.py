"""Convert CloudFormation's shapes to the APIs' shapes."""

from __future__ import annotations

from typing import Any


def renamed(value: dict[str, Any], **names: str) -> dict[str, Any]:
    """Return the mapping with the given keys renamed, where they are present."""
    return {names.get(key, key): item for key, item in value.items()}


def truthful(value: dict[str, Any], *names: str, only: bool = False) -> dict[str, Any]:
    """Return the mapping with the named entries as booleans, also from text (`"true"`); `only` drops all others."""
    return {
        key: str(item).lower() == "true" if key in names else item for key, item in value.items() if key in names or not only
    }


def lower_first(value: Any) -> Any:  # noqa: ANN401  any JSON value
    """Return a nested JSON value with the first letter of every key in lower case, the form of some JSON APIs."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: lower_first(item) for key, item in value.items()}
    if isinstance(value, list):
        return [lower_first(item) for item in value]
    return value
