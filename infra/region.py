"""A region's part in the system, as a typed value that constructs are given instead of comparing region names."""

from dataclasses import dataclass

from infra.naming import Naming
from infra.settings import RegionRole, Settings

__all__ = ["RegionContext", "RegionRole"]


@dataclass(frozen=True)
class RegionContext:
    """What a regional construct may know of where it stands."""

    settings: Settings
    role: RegionRole

    @property
    def naming(self) -> Naming:
        """The names of this environment."""
        return Naming(self.settings.environment)

    @property
    def region(self) -> str:
        """This region's AWS name."""
        return self.settings.region_of(self.role)

    @property
    def peer(self) -> "RegionContext":
        """The other region."""
        other = RegionRole.SECONDARY if self.role is RegionRole.PRIMARY else RegionRole.PRIMARY
        return RegionContext(settings=self.settings, role=other)

    @property
    def is_control(self) -> bool:
        """Whether what must be operable in a disaster is homed here."""
        return self.settings.control is self.role

    @property
    def promotes_itself(self) -> bool:
        """Whether this region's observer may make it the active one: the secondary's, where the settings let it."""
        return self.settings.auto_promote and self.role is RegionRole.SECONDARY
