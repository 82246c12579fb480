"""Test digests of an hour: equal for equal rows in any order and pages, and different for other rows."""

from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.observer.digests import Budget, Digest, HourReader, Scan, begin_of, hour_of, hours_before
from handlers.shared import schema
from unit_tests.handlers.observer.table import BEGIN, HOUR, PROVENANCE, Table, hours_of_rows, reckoned, result

ONE = "0" * 64
OTHER = "f" * 64


def read(table: Table, *, rows_a_page: int = 1000, budget: Budget | None = None, scan: Scan | None = None) -> Scan:
    reader = HourReader(dynamodb=cast("Any", table), table_name="t", rows_a_page=rows_a_page)
    return reader.read(scan or Scan(HOUR), budget or Budget())


def digests_of(items: list[dict[str, Any]], **how: Any) -> dict[str, tuple[int, int, int]]:  # noqa: ANN401
    table = Table()
    table.add(*items)
    scan = read(table, **how)
    assert scan.is_whole
    return {prefix: (one.objects, one.identities, one.effects) for prefix, one in scan.by_prefix().items()}


@pytest.mark.property
@given(items=hours_of_rows, rows_a_page=st.integers(1, 7))
def test_digest_equals_an_independent_sum_for_any_pages(items: list[dict[str, Any]], rows_a_page: int) -> None:
    assert digests_of(items, rows_a_page=rows_a_page) == reckoned(items)


@pytest.mark.property
@given(items=hours_of_rows, rows_a_page=st.integers(1, 3), rows_a_run=st.integers(1, 5))
def test_hour_over_many_runs_has_the_same_digest_within_the_budget(
    items: list[dict[str, Any]], rows_a_page: int, rows_a_run: int
) -> None:
    table = Table()
    table.add(*items)
    scan, runs = Scan(HOUR), 0
    while not scan.is_whole:
        before = table.rows_read
        scan = read(table, rows_a_page=rows_a_page, budget=Budget(rows=rows_a_run), scan=scan)
        assert table.rows_read - before < rows_a_run + rows_a_page
        runs += 1
        assert runs <= len(items) + 33
    assert {prefix: one.objects for prefix, one in scan.by_prefix().items()} == {
        prefix: count for prefix, (count, _, _) in reckoned(items).items()
    }
    assert {prefix: (one.objects, one.identities, one.effects) for prefix, one in scan.by_prefix().items()} == reckoned(
        items
    )


def test_run_ends_at_its_deadline() -> None:
    table, now = Table(), [0.0]

    def clock() -> float:
        now[0] += 1
        return now[0]

    scan = read(table, budget=Budget(seconds=5, clock=clock))
    assert not scan.is_whole
    assert 0 < table.queries < 6
    assert read(table, scan=scan).is_whole


@pytest.mark.property
@given(items=hours_of_rows.filter(bool), data=st.data())
def test_digest_changes_only_for_the_prefix_of_a_changed_row(items: list[dict[str, Any]], data: st.DataObject) -> None:
    before = digests_of(items)
    changed = data.draw(st.sampled_from(items))
    name = data.draw(st.sampled_from(sorted(set(changed) - {"pk", "sk", "state_hour", "state_order", *PROVENANCE})))
    tampered = changed | {name: {"S": "tampered"}}
    after = digests_of([tampered if item is changed else item for item in items])
    prefix = changed["pk"]["S"][4]
    assert after[prefix][:2] == before[prefix][:2], "it is still the same objects"
    assert after[prefix][2] != before[prefix][2]
    assert {other: after[other] for other in after if other != prefix} == {
        other: before[other] for other in before if other != prefix
    }


@pytest.mark.property
@given(items=hours_of_rows, other_region=st.fixed_dictionaries(dict.fromkeys(PROVENANCE, st.text(max_size=4))))
def test_digest_ignores_the_provenance_of_a_row(items: list[dict[str, Any]], other_region: dict[str, str]) -> None:
    theirs = [item | {name: {"S": value} for name, value in other_region.items()} for item in items]
    assert digests_of(theirs) == digests_of(items)


@pytest.mark.property
@given(items=hours_of_rows.filter(bool))
def test_digest_of_another_set_of_objects_has_other_identities(items: list[dict[str, Any]]) -> None:
    prefix = items[0]["pk"]["S"][4]
    assert digests_of(items[1:])[prefix][1] != digests_of(items)[prefix][1]


def test_regions_rows_differ_only_in_provenance() -> None:
    ours = result(ONE)
    theirs = result(ONE, region="us-west-2", epoch=7, version_id="w", processed_at="2027-01-01T00:00:00.000Z")
    assert {name for name in ours if ours[name] != theirs[name]} == set(PROVENANCE)
    # The last one differs while a deployment has changed how long canaries are kept in one region only.
    assert set(schema.RESULT_PROVENANCE) == {*PROVENANCE, schema.TIME_TO_LIVE}


def test_results_of_other_hours_do_not_count() -> None:
    attempt = {
        "pk": {"S": f"OBJ#{OTHER}"},
        "sk": {"S": "ATTEMPT#us-east-1"},
        "state_hour": {"S": schema.state_hour(schema.UNFINISHED, HOUR, OTHER)},
        "state_order": {"S": "x"},
    }
    found = digests_of([result(ONE), result(OTHER, hour_begin=BEGIN + 3600), attempt])
    assert [found[prefix][0] for prefix in "0f"] == [1, 0]


@pytest.mark.parametrize("value", [{"B": b"\xff"}, {"BS": [b"a"]}, {"M": {"x": {"NULL": True}}}])
def test_row_with_odd_attributes_is_digested(value: dict[str, Any]) -> None:
    odd = digests_of([result(ONE) | {"odd": value}])["0"]
    assert odd[:2] == digests_of([result(ONE)])["0"][:2]
    assert odd[2] != digests_of([result(ONE)])["0"][2]


@pytest.mark.property
@given(st.builds(Digest, st.integers(0, 10**9), st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1)))
@example(Digest())
def test_scan_that_is_kept_reads_back(digest: Digest) -> None:
    assert Digest.of_list(digest.as_list()) == digest


@pytest.mark.property
@given(now=st.floats(0, 4e9), count=st.integers(0, 100))
def test_hours_are_reckoned_by_the_clock(now: float, count: int) -> None:
    hour = hour_of(now)
    assert 0 <= now - begin_of(hour) < 3601
    assert begin_of(hour) - begin_of(hours_before(hour, count)) == 3600 * count
