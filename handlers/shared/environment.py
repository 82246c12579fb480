"""A function's environment variables, declared once as the fields of a dataclass."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, Self

Whole = Annotated[int, 0]
"""A whole number, 0 or more."""
Positive = Annotated[int, 1]
"""A whole number, 1 or more."""


class EnvironmentVariableError(Exception):
    """Raised when environment variables are missing or wrong; the message names each of them."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(
            f"the function's environment variables are wrong: {'; '.join(problems)}. "
            "They are set where the function is declared, in infra/constructs."
        )


@dataclass(frozen=True, kw_only=True)
class FunctionSettings:
    """The variables of every function that reads the table; the settings of a function add their own.

    The variable of a field is its name in capitals; `region` is read from Lambda's own `AWS_REGION`. The type of a field is
    `str`, `bool`, `Whole` or `Positive`; a field with a default may be left out.
    """

    region: str
    environment: str
    table_name: str
    queue_url: str
    """The region's own ingest queue."""
    ingest_bucket: str
    primary_region: str

    @classmethod
    def variables(cls) -> dict[str, bool]:
        """Return the names of the variables; the value is whether the variable must be set."""
        return {_variable(field.name): field.default is MISSING for field in fields(cls)}

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """Read the settings from environment variables.

        Raises:
            EnvironmentVariableError: Names every variable that is missing or wrong.
        """
        values: dict[str, Any] = {}
        problems: list[str] = []
        for field in fields(cls):
            name = _variable(field.name)
            if text := variables.get(name, ""):
                try:
                    values[field.name] = _parsed(text, field.type)
                except ValueError as error:
                    problems.append(f"{name} is {text!r}; {error} is needed")
            elif field.default is MISSING:
                problems.append(f"{name} is not set")
        if problems:
            raise EnvironmentVariableError(problems)
        return cls(**values)


def _variable(field: str) -> str:
    return "AWS_REGION" if field == "region" else field.upper()


def _parsed(text: str, kind: Any) -> str | bool | int:  # noqa: ANN401 - a field's type, which may be `Annotated`
    if kind is str:
        return text
    if kind is bool:
        if text not in {"true", "false"}:
            raise ValueError("'true' or 'false'")
        return text == "true"
    (least,) = kind.__metadata__
    if not (text.isascii() and text.isdigit() and int(text) >= least):
        raise ValueError(f"a whole number of {least} or more")
    return int(text)
