"""The base class of the faults."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from drill.targets.fault_injector import FaultInjector


class Fault(ABC):
    """A fault in the primary's region, or between the regions.

    `inject` and `heal` are idempotent, so that a resumed drill can call them again.

    Attributes:
        name: The name that the user types.
        title: The effect, for the user.
        loses_region: Whether the primary serves nobody during the fault.
        seen_by_health_check: Whether the primary's own health check must detect the fault.
        seen_by_observer: Whether the other region's observer must detect it, although the health check may pass.
        stops_replication: Whether the regions fall behind each other during the fault.
        is_made_on_aws: Whether the fault can be injected in a real account.
        makes_dead_letters: Whether it may move messages to the primary's dead-letter queue.
        is_final: Whether it can never be healed.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    loses_region: ClassVar[bool] = False
    seen_by_health_check: ClassVar[bool] = False
    seen_by_observer: ClassVar[bool] = False
    stops_replication: ClassVar[bool] = False
    is_made_on_aws: ClassVar[bool] = True
    makes_dead_letters: ClassVar[bool] = False
    is_final: ClassVar[bool] = False

    @abstractmethod
    def inject(self, injector: FaultInjector) -> str:
        """Inject the fault; return a text on what was done."""

    @abstractmethod
    def heal(self, injector: FaultInjector) -> None:
        """Remove the fault."""
