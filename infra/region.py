"""The role of a region, as a typed value that is passed to constructs, so that none compares region names."""

from dataclasses import dataclass

from infra.naming import Naming
from infra.settings import RegionRole, Settings

__all__ = ["RegionContext", "RegionRole"]


@dataclass(frozen=True)
class RegionContext:
    """Everything that a regional construct may know of its region."""

    settings: Settings
    role: RegionRole

    @property
    def naming(self) -> Naming:
        """The names of this environment."""
        return Naming(self.settings.environment, self.settings.prefix)

    @property
    def region(self) -> str:
        """The AWS name of this region."""
        return self.settings.region_of(self.role)

    @property
    def peer(self) -> "RegionContext":
        """The other region."""
        other = RegionRole.SECONDARY if self.role is RegionRole.PRIMARY else RegionRole.PRIMARY
        return RegionContext(settings=self.settings, role=other)

    @property
    def is_control(self) -> bool:
        """Whether this region is the home of the resources that must stay operable in a disaster."""
        return self.settings.control is self.role

    @property
    def promotes_itself(self) -> bool:
        """Whether this region's observer may promote it: only the secondary's, if the settings allow it."""
        return self.settings.auto_promote and self.role is RegionRole.SECONDARY
