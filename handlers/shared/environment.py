"""Reading a function's environment variables: typed, and all errors at once."""

from collections.abc import Mapping


class EnvironmentVariableError(Exception):
    """The function's environment variables are not as its template must set them."""


class EnvironmentReader:
    """Reads environment variables one by one, gathering what is wrong, so that one deployment mends it all.

    Attributes:
        problems: One sentence for each variable that is missing or wrong.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.problems: list[str] = []

    def text(self, name: str) -> str:
        """Return a variable that must be set and not be empty."""
        value = self._variables.get(name, "")
        if not value:
            self.problems.append(f"{name} is not set")
        return value

    def whole_number(self, name: str, *, at_least: int = 0) -> int:
        """Return a variable that must be a whole number, `at_least` or more."""
        value = self._variables.get(name, "")
        if value.isascii() and value.isdigit() and int(value) >= at_least:
            return int(value)
        self.problems.append(f"{name} is {value!r}; a whole number of {at_least} or more is needed")
        return at_least

    def finish(self) -> None:
        """Raise if anything was wrong.

        Raises:
            EnvironmentVariableError: Names every variable that is missing or wrong.
        """
        if self.problems:
            raise EnvironmentVariableError(
                "the function's environment variables are wrong: "
                + "; ".join(self.problems)
                + ". They are set where the function is declared, in infra/constructs."
            )
