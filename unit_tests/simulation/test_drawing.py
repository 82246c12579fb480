"""Every kind of plan is drawn by a run of the default length, with each of its variants."""

from itertools import product

from simulation.plan import OVERDUE_SECONDS, Kind, Upload, Watch
from simulation.watched_plans import plan_of

SEEDS = range(1500)
"""The default of `nox -s simulate`."""


def test_every_variant_of_a_plan_is_drawn() -> None:
    plans = [plan_of(seed) for seed in SEEDS]
    long = {(plan.reading > 1, frozenset(fault.kind for fault in plan.faults)) for plan in plans if plan.pace}
    waits = {plan.overdue for plan in plans if plan.crash_rate}
    reprocessed = {
        (plan.page, Kind.EXPIRED in {fault.kind for fault in plan.faults})
        for plan in plans
        if any(fault.kind is Kind.STALL and fault.lasts == 400.0 for fault in plan.faults)
    }
    watched = {(plan.watch, plan.auto_promote) for plan in plans}
    assert {is_read_slowly for is_read_slowly, _ in long} == {False, True}
    assert {kinds for _, kinds in long} > {frozenset({Kind.PROMOTE, Kind.DEPLOY}), frozenset({Kind.DEPLOY, Kind.DUPLICATE})}
    assert waits == {3000.0, OVERDUE_SECONDS}
    assert reprocessed == set(product([2, 1000], [False, True]))
    assert watched == {(Watch.NOTHING, False), (Watch.RECONCILERS, False), (Watch.OBSERVERS, False), (Watch.OBSERVERS, True)}


def test_every_fault_lag_and_upload_is_drawn() -> None:
    plans = [plan_of(seed) for seed in SEEDS]
    uploads = {name for plan in plans for one in plan.uploads for name, value in vars(one).items() if value is True}
    assert {fault.kind for plan in plans for fault in plan.faults} == set(Kind)
    assert {(plan.lags, plan.page) for plan in plans} >= set(product(type(plans[0].lags), (2, 25, 1000)))
    assert len({plan.part_bytes for plan in plans}) > 20, "clients send files in parts of any size, and whole"
    assert uploads == {name for name, kind in Upload.__annotations__.items() if kind is bool}
