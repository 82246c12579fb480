"""The settings of one environment, whole: each allowed by itself, and none that contradicts another."""

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from infra.settings.contradictions import CONTRADICTION, contradictions_of
from infra.settings.model import SettingsFields


class Settings(SettingsFields):
    """Everything that may differ between two environments. `Settings()` is a valid prod.

    Raises:
        pydantic.ValidationError: From the constructor. `load_settings` tells the same as a SettingsError.
    """

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        if found := contradictions_of(self):
            raise PydanticCustomError(
                CONTRADICTION, "{told}", {"told": "; ".join(each.wrong for each in found), "found": found}
            )
        return self
