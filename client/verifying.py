"""Verification: ask the regions for the state of each upload, and name those that have not reached the wanted state."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from client.configuration import Endpoint
from client.platform import Impossible, Known, Platform, RegionFailed
from client.receipts import Receipt, Receipts, State
from client.routing import Router

_RANK: Final = {State.ACCEPTED: 1, State.PROCESSED: 2, State.QUARANTINED: 2}


class Until(StrEnum):
    """State that an upload has to reach."""

    DURABLE = "durable"
    """Both regions hold the upload, processed or not, so the loss of one region does not lose it."""
    PROCESSED = "processed"
    """The upload's records are in the table."""


@dataclass(frozen=True)
class Standing:
    """Result of the verification of one upload.

    Attributes:
        receipt: Its current line in the receipts file.
        reached: Whether it has reached the wanted state.
        reason: Why it has not, and the next step.
        waits: Whether it may reach the state without help.
        accepted: Number of its records in the table, as far as a region answered.
        rejected: Number of its records that could not be kept.
    """

    receipt: Receipt
    reached: bool
    reason: str = ""
    waits: bool = False
    accepted: int = 0
    rejected: int = 0


class Verifier:
    """Ask the regions, and record what is new in the receipts file.

    Args:
        receipts: The uploads.
        platform: Client of the regions.
        router: Knows which regions do not answer.
        endpoints: Every region.
    """

    def __init__(self, receipts: Receipts, platform: Platform, router: Router, endpoints: Iterable[Endpoint]) -> None:
        self._receipts, self._platform, self._router = receipts, platform, router
        self._endpoints = tuple(endpoints)

    def verify(self, receipt: Receipt, until: Until) -> Standing:
        """Ask the regions for the state of an upload.

        Args:
            receipt: Its line.
            until: State that it has to reach.
        """
        if not receipt.id:
            return Standing(receipt, reached=False, reason=f"was never sent{_reason(receipt)}; type `resume`")
        known, silent = self._ask(receipt, until)
        best = max((one for one in known if one.state), key=lambda one: _rank(one.state), default=None)
        if best is None:
            return self._absent(receipt, silent)
        durable = any(one.durable for one in known)
        if _rank(best.state) > _rank(receipt.state) or durable > receipt.durable:
            receipt = self._note(receipt, best, durable=durable)
        reached = durable if until is Until.DURABLE else best.state is State.PROCESSED
        standing = Standing(receipt, reached=True) if reached else self._behind(receipt, best, until, silent)
        return replace(standing, accepted=best.accepted, rejected=best.rejected)

    def _ask(self, receipt: Receipt, until: Until) -> tuple[list[Known], list[str]]:
        """Ask the regions in turn, the upload's own first, until one shows the state; return answers and failures."""
        known: list[Known] = []
        silent: list[str] = []
        for endpoint in sorted(self._endpoints, key=lambda endpoint: endpoint.region != receipt.region):
            if self._router.suspects(endpoint.region):
                silent.append(f"{endpoint.region} did not answer recently")
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
            reason = f"has an unknown state: {'; '.join(silent)}"
            return Standing(receipt, reached=False, reason=reason, waits=True)
        if not receipt.state.safe:
            return Standing(receipt, reached=False, reason=f"is in no region{_reason(receipt)}; type `resume`")
        reason = f"was {receipt.state} in {receipt.region}, and now no region knows it; type `resume` to send it again"
        missing = self._receipts.note(receipt, State.MISSING, reason=reason, durable=False)
        return Standing(missing, reached=False, reason=reason)

    def _note(self, receipt: Receipt, best: Known, *, durable: bool) -> Receipt:
        assert best.state is not None  # noqa: S101 - its rank is above zero
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


def _reason(receipt: Receipt) -> str:
    return f" ({receipt.reason})" if receipt.reason else ""
