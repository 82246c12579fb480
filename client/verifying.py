"""Verifying: asking each region what became of each upload, and saying what is not where it should be yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from client.configuration import Endpoint
from client.platform import Impossible, Known, Platform, RegionFailed
from client.receipts import Receipt, Receipts, State
from client.routing import Router

_RANK: Final = {State.ACCEPTED: 1, State.PROCESSED: 2, State.QUARANTINED: 2}


class Until(StrEnum):
    """How far an upload should be."""

    DURABLE = "durable"
    """Both regions hold it, whatever became of it: the loss of one does not lose it."""
    PROCESSED = "processed"
    """Its effects are in the table."""


@dataclass(frozen=True)
class Standing:
    """What became of one upload.

    Attributes:
        receipt: Its line in the receipts file as it is now.
        reached: Whether it is where it should be.
        reason: Why it is not, and what to do.
        waits: Whether it may get there by itself.
    """

    receipt: Receipt
    reached: bool
    reason: str = ""
    waits: bool = False


class Verifier:
    """Asks, and writes down what is new.

    Args:
        receipts: The uploads.
        platform: Speaks with regions.
        router: Knows which regions do not answer.
        endpoints: Every region.
    """

    def __init__(self, receipts: Receipts, platform: Platform, router: Router, endpoints: Iterable[Endpoint]) -> None:
        self._receipts, self._platform, self._router = receipts, platform, router
        self._endpoints = tuple(endpoints)

    def verify(self, receipt: Receipt, until: Until) -> Standing:
        """Ask what became of an upload.

        Args:
            receipt: Its line.
            until: How far it should be.
        """
        if not receipt.id:
            return Standing(receipt, reached=False, reason=f"was never sent{_told(receipt)}; type `resume`")
        known, silent = self._ask(receipt, until)
        best = max((one for one in known if one.state), key=lambda one: _rank(one.state), default=None)
        if best is None:
            return self._absent(receipt, silent)
        durable = any(one.durable for one in known)
        if _rank(best.state) > _rank(receipt.state) or durable > receipt.durable:
            receipt = self._note(receipt, best, durable=durable)
        reached = durable if until is Until.DURABLE else best.state is State.PROCESSED
        return Standing(receipt, reached=True) if reached else self._behind(receipt, best, until, silent)

    def _ask(self, receipt: Receipt, until: Until) -> tuple[list[Known], list[str]]:
        """Ask region after region, its own first, until one knows enough; return what they said, and who did not."""
        known: list[Known] = []
        silent: list[str] = []
        for endpoint in sorted(self._endpoints, key=lambda endpoint: endpoint.region != receipt.region):
            if self._router.suspects(endpoint.region):
                silent.append(f"{endpoint.region} did not answer moments ago")
                continue
            try:
                known.append(self._platform.state(endpoint, receipt))
            except RegionFailed as failure:
                self._router.failed(endpoint.region)
                silent.append(str(failure))
            except Impossible as failure:
                silent.append(f"{endpoint.region}: {failure}; {failure.hint}")
            else:
                if _reaches(known[-1], until):
                    break
        return known, silent

    def _absent(self, receipt: Receipt, silent: list[str]) -> Standing:
        if silent:
            reason = f"cannot be told now: {'; '.join(silent)}"
            return Standing(receipt, reached=False, reason=reason, waits=True)
        if not receipt.state.safe:
            return Standing(receipt, reached=False, reason=f"is in no region{_told(receipt)}; type `resume`")
        reason = f"was {receipt.state} in {receipt.region}, and now no region knows it; type `resume` to send it again"
        missing = self._receipts.note(receipt, State.MISSING, reason=reason, durable=False)
        return Standing(missing, reached=False, reason=reason)

    def _note(self, receipt: Receipt, best: Known, *, durable: bool) -> Receipt:
        assert best.state is not None  # noqa: S101 - its rank is above another's
        return self._receipts.note(
            receipt,
            best.state if _rank(best.state) >= _rank(receipt.state) else receipt.state,
            region=receipt.region or best.region,
            receipt=receipt.receipt,
            reason=best.reason,
            durable=durable or receipt.durable,
        )

    def _behind(self, receipt: Receipt, best: Known, until: Until, silent: list[str]) -> Standing:
        if best.state is State.QUARANTINED:
            reason = f"is in quarantine: {best.reason or receipt.reason or 'it cannot be read'}; send a corrected file"
            return Standing(receipt, reached=False, reason=reason)
        others = f" ({'; '.join(silent)})" if silent else ""
        if until is Until.DURABLE:
            before = ", though one did before" if receipt.durable else ""
            reason = f"is {best.state} in {best.region}, and no region shows that both hold it{before}{others}"
        else:
            before = f", though it was {receipt.state} before" if _rank(receipt.state) > _rank(best.state) else ""
            reason = f"is {best.state} in {best.region}{before}{others}"
        return Standing(receipt, reached=False, reason=reason, waits=True)


def _reaches(known: Known, until: Until) -> bool:
    if until is Until.DURABLE:
        return known.durable
    return _rank(known.state) >= _RANK[State.PROCESSED]


def _rank(state: State | None) -> int:
    return _RANK.get(state, 0) if state else 0


def _told(receipt: Receipt) -> str:
    return f" ({receipt.reason})" if receipt.reason else ""
