"""Derive the verdict, passed, failed or void, and its reasons."""

from __future__ import annotations

from collections.abc import Sequence

from drill.model import GuardReport, Measure, NegativeControls, Proof, Verdict


def judge(  # noqa: PLR0913 - each has a keyword
    *,
    failures: Sequence[str],
    proof: Proof | None,
    controls: NegativeControls,
    guard: GuardReport,
    measures: Sequence[Measure],
    during: Sequence[str] = (),
) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict and its reasons, worst first.

    Args:
        failures: The reasons why the drill could not be completed.
        proof: The last proof, or None.
        controls: The negative controls, injected and found.
        guard: The calls during the failover.
        measures: The measures with their targets.
        during: The sentences on what the surviving region lacked, or held wrongly, in `verify`, against the promise.
    """
    wrong = [*_effects(proof), *during, *failures, *guard.violations, *_late(measures)]
    blind = _blind(proof, controls)
    if wrong:
        return Verdict.FAILED, (*wrong, *blind)
    if blind:
        return Verdict.VOID, tuple(blind)
    assert proof is not None  # noqa: S101 - without one it is void
    reason = (
        f"{proof.objects} objects: none lost, duplicated or divergent; {controls.found} of {controls.injected} negative "
        f"controls found; {guard.calls} calls during the failover, none to the lost region or a global endpoint"
    )
    unmeasured = [one.title for one in measures if one.target_seconds is not None and one.seconds is None]
    if unmeasured:
        count = f"{len(unmeasured)} target{'s' if len(unmeasured) > 1 else ''}"
        return Verdict.NOT_ALL_MEASURED, (f"{count} not measured: {'; '.join(unmeasured)}", reason)
    return Verdict.PASSED, (reason,)


def _effects(proof: Proof | None) -> list[str]:
    if proof is None:
        return []
    counts = {"lost": proof.lost, "duplicated": proof.duplicated, "divergent": proof.divergent}
    found = [f"{count} objects {what}" for what, count in counts.items() if count]
    unread = [f"{name} could not be read: {why}" for name, why in proof.unread.items()]
    return [*found, *unread] or ([] if proof.equal else ["the sources are not equal"])


def _late(measures: Sequence[Measure]) -> list[str]:
    return [
        f"{one.title}: {one.seconds:.1f} s, the target is {one.target_seconds:.0f} s"
        for one in measures
        if one.met is False and one.seconds is not None and one.target_seconds is not None
    ]


def _blind(proof: Proof | None, controls: NegativeControls) -> list[str]:
    if proof is None:
        return ["nothing was proved"]
    if not controls.injected:
        return ["no negative control was injected, so the proof was not tested"]
    missed = [one.name for one in controls.controls if not one.found]
    return [f"the proof did not find {', '.join(missed)}, which was injected"] if controls.found < controls.injected else []
