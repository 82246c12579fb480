"""What every fault says of itself and can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from drill.targets.fault_injector import FaultInjector


class Fault(ABC):
    """A fault in the primary's region, or between the regions.

    `inject` and `heal` may each be called again, after a kill for example, and then change nothing.

    Attributes:
        name: As it is typed.
        title: What it does, in words.
        loses_region: Whether the primary can do nothing for anybody while it is there.
        seen_by_health_check: Whether the primary's own health check must notice it.
        seen_by_observer: Whether the health check may be content, and the other region's observer must notice it.
        stops_replication: Whether the regions fall behind each other while it is there.
        is_made_on_aws: Whether it can be made in a real account.
        makes_dead_letters: Whether messages may end in the primary's dead-letter queue of it.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    loses_region: ClassVar[bool] = False
    seen_by_health_check: ClassVar[bool] = False
    seen_by_observer: ClassVar[bool] = False
    stops_replication: ClassVar[bool] = False
    is_made_on_aws: ClassVar[bool] = True
    makes_dead_letters: ClassVar[bool] = False

    @abstractmethod
    def inject(self, injector: FaultInjector) -> str:
        """Make it so; return what was done, in words."""

    @abstractmethod
    def heal(self, injector: FaultInjector) -> None:
        """Put it right."""
