"""Verifying: asking each region what became of each upload, and saying what is not where it should be yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from client.configuration import Endpoint
from client.platform import Impossible, Known, Platform, RegionFailed
from client.receipts import Receipt, Receipts, State
from client.routing import Router

_RANK: Final = {State.ACCEPTED: 1, State.DURABLE: 2, State.PROCESSED: 3, State.QUARANTINED: 3}


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

    def verify(self, receipt: Receipt, until: State) -> Standing:
        """Ask what became of an upload.

        Args:
            receipt: Its line.
            until: DURABLE or PROCESSED: how far it should be.
        """
        if not receipt.id:
            return Standing(receipt, reached=False, reason=f"was never sent{_told(receipt)}; type `resume`")
        known, silent = self._ask(receipt, until)
        best = max((one for one in known if one.state), key=lambda one: _rank(one.state), default=None)
        if best is None:
            return self._absent(receipt, silent)
        if _rank(best.state) > _rank(receipt.state):
            receipt = self._note(receipt, best)
        return self._judge(receipt, best, until, silent)

    def _ask(self, receipt: Receipt, until: State) -> tuple[list[Known], list[str]]:
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
                if _rank(known[-1].state) >= _RANK[until]:
                    break
        return known, silent

    def _absent(self, receipt: Receipt, silent: list[str]) -> Standing:
        if silent:
            reason = f"cannot be told now: {'; '.join(silent)}"
            return Standing(receipt, reached=False, reason=reason, waits=True)
        if not receipt.state.safe:
            return Standing(receipt, reached=False, reason=f"is in no region{_told(receipt)}; type `resume`")
        reason = f"was {receipt.state} in {receipt.region}, and now no region knows it; type `resume` to send it again"
        return Standing(self._receipts.note(receipt, State.MISSING, reason=reason), reached=False, reason=reason)

    def _note(self, receipt: Receipt, best: Known) -> Receipt:
        assert best.state is not None  # noqa: S101 - its rank is above another's
        return self._receipts.note(
            receipt, best.state, region=receipt.region or best.region, receipt=receipt.receipt, reason=best.reason
        )

    def _judge(self, receipt: Receipt, best: Known, until: State, silent: list[str]) -> Standing:
        if best.state is State.QUARANTINED:
            reason = f"is in quarantine: {best.reason or receipt.reason or 'it cannot be read'}; send a corrected file"
            return Standing(receipt, reached=False, reason=reason)
        if _rank(best.state) >= _RANK[until]:
            return Standing(receipt, reached=True)
        before = f", though it was {receipt.state} before" if _rank(receipt.state) > _rank(best.state) else ""
        others = f" ({'; '.join(silent)})" if silent else ""
        return Standing(receipt, reached=False, reason=f"is {best.state} in {best.region}{before}{others}", waits=True)


def _rank(state: State | None) -> int:
    return _RANK.get(state, 0) if state else 0


def _told(receipt: Receipt) -> str:
    return f" ({receipt.reason})" if receipt.reason else ""
