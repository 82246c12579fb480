"""The settings of one environment, whole: each allowed by itself, and none that contradicts another."""

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from infra.settings.contradictions import CONTRADICTION, contradictions_of
from infra.settings.model import SettingsFields


class Settings(SettingsFields):
    """All settings of an environment, checked for contradictions. `Settings()` is a valid prod.

    Raises:
        pydantic.ValidationError: From the constructor. `load_settings` raises a SettingsError instead.
    """

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        if found := contradictions_of(self):
            raise PydanticCustomError(
                CONTRADICTION, "{wrong}", {"wrong": "; ".join(each.wrong for each in found), "found": found}
            )
        return self
