"""Compare the samples with the services' answers of the same times, to detect invented samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drill.journal import Journal
from drill.model import Sample
from drill.plan import Plan

_AROUND_SECONDS = 4.0
"""Seconds around a time in which a sample counts. Samples are taken each second, and one may take several seconds."""
_LEAST_SHARE = 0.25
"""Minimum share of the known age that a sample must show."""


def contradictions(samples: Sequence[Sample], journal: Journal, plan: Plan) -> list[str]:
    """Return a sentence for each contradiction. A time without samples contradicts nothing."""
    began = journal.entries[0].at
    return [
        *_depths(samples, journal, plan, began),
        *_ages(samples, journal, plan, began),
        *_writes(samples, journal, plan),
    ]


def can_contradict(journal: Journal) -> bool:
    """Return whether samples of 0 would contradict the services; in an empty drill they would not."""
    return bool(_lasting_depths(journal))


def zeros(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples with 0 in every figure."""
    figures = ("queue_depth", "shadow_age", "replication_lag", "dead_letters", "good_writes_per_second")
    return [one.model_copy(update={name: 0 for name in figures if getattr(one, name) is not None}) for one in samples]


def _between(samples: Sequence[Sample], region: str, start: float, end: float) -> list[Sample]:
    return [one for one in samples if one.region == region and start <= one.seconds <= end and one.queue_depth is not None]


def _depths(samples: Sequence[Sample], journal: Journal, plan: Plan, began: float) -> Iterator[str]:
    """Compare the depth of the secondary's queue at the fault and at the decision with SQS's own figures."""
    for moment, messages in _lasting_depths(journal).items():
        at = journal.moment(moment)
        if at is None:
            continue
        near = _between(samples, plan.secondary, at - began - _AROUND_SECONDS, at - began + _AROUND_SECONDS)
        if near and not any(one.queue_depth for one in near):
            yield (
                f"the samples show an empty queue in {plan.secondary} when SQS held {messages} messages "
                f"({moment}): the curves contradict the services"
            )


def _lasting_depths(journal: Journal) -> dict[str, int]:
    """Return, by moment, the messages that SQS held in the secondary and that stay until the promotion.

    They are those of the drill's own objects that are not settled there. A message of a canary comes and goes between
    two samples.
    """
    stations, backlog = journal.fact("stations") or {}, journal.fact("backlog_at_decision") or {}
    known = {
        "fault": (stations.get("queued", 0), stations.get("replicated", 0) + stations.get("result_only", 0)),
        "decided": (backlog.get("messages", 0), backlog.get("objects", 0)),
    }
    return {moment: messages for moment, (messages, waiting) in known.items() if messages >= waiting > 0}


def _ages(samples: Sequence[Sample], journal: Journal, plan: Plan, began: float) -> Iterator[str]:
    """Check the age of the shadow: objects that were not settled at the decision waited at least since the fault."""
    fault, decided = journal.moment("fault"), journal.moment("decided")
    if fault is None or decided is None or not journal.fact("waiting_at_decision"):
        return
    near = _between(samples, plan.secondary, decided - began - _AROUND_SECONDS, decided - began + _AROUND_SECONDS)
    least = (decided - fault) * _LEAST_SHARE
    if near and max(one.shadow_age or 0.0 for one in near) < least:
        yield f"the samples show nothing that waits in {plan.secondary} at the decision, and objects waited {least:.0f} s"


def _writes(samples: Sequence[Sample], journal: Journal, plan: Plan) -> Iterator[str]:
    """Check the good writes: the table holds results of the load, so each region's curve rises at least once."""
    if not any(count for state, count in (journal.fact("states_before") or {}).items() if state in {"processed", "durable"}):
        return
    for region in (plan.primary, plan.secondary):
        mine = [one for one in samples if one.region == region and one.good_writes_per_second is not None]
        if mine and not any(one.good_writes_per_second for one in mine):
            yield f"the samples show no good write in {region}, and its replica holds results of the drill's files"
