"""Test two observers against moto in two regions: canaries, heartbeats, and the failures of a peer."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from types import SimpleNamespace

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ConnectTimeoutError
from moto import mock_aws

from handlers.observer import hours, observation
from handlers.observer.hours import ROUND_SECONDS
from handlers.observer.memory import Memory, NextCanary
from integration_tests.moto.observer_world import (
    MINUTE,
    PRIMARY,
    REGIONS,
    SECONDARY,
    SECRET,
    TABLE,
    ObservedWorld,
    api_url,
    observed,
)
from integration_tests.moto.processor_world import bucket


@pytest.fixture
def world(capsys: pytest.CaptureFixture[str]) -> Iterator[ObservedWorld]:
    with mock_aws(), observed(capsys) as stood_up:
        yield stood_up


# --- both regions are well ----------------------------------------------------------------------------------------


def test_two_healthy_regions_report_each_other_healthy(world: ObservedWorld) -> None:
    for _ in range(3):
        seen = world.minute()
    assert set(seen) == set(REGIONS)
    for measured in seen.values():
        assert (measured["PeerUnhealthy"], measured["CanaryFailed"]) == (0, 0)
        assert not {"SplitBrain", "LwwConflicts", "SecretVersionsDiffer", "MalformedControlRows"} & set(measured)
        assert measured["Heartbeats"] == 1
        assert "StepsFailed" not in measured
    numbers = world.outcome["peer_numbers"]
    assert (numbers["epoch"], numbers["dead_letters"], world.outcome["failed"]) == (0, 0, [])
    assert numbers["age"] <= MINUTE


def test_heartbeat_holds_every_number(world: ObservedWorld) -> None:
    world.minute()
    world.minute()
    for region in REGIONS:
        heartbeat = world.heartbeat(region)
        assert float(heartbeat["at"]) == pytest.approx(world.now, abs=0.01)
        assert (heartbeat["api_url"], heartbeat["ready"]) == (api_url(region), True)
        assert (heartbeat["dead_letters"], heartbeat["epoch"], heartbeat["replication_pending"]) == (0, 0, 0)
        assert heartbeat["canary_seconds"] >= 0
        assert heartbeat["queue_depth"] in (0, 1)
        assert world.heartbeat(region, seen_from=PRIMARY if region == SECONDARY else SECONDARY) == heartbeat


def test_different_and_equal_signing_keys_are_published(world: ObservedWorld) -> None:
    rotated = {"SecretId": SECRET, "SecretString": "{}", "ClientRequestToken": "w" * 32}
    assert differing(world) == {}
    world.client("secretsmanager", SECONDARY).put_secret_value(**rotated)
    assert differing(world) == dict.fromkeys(REGIONS, 1), "once in each round"
    world.client("secretsmanager", PRIMARY).put_secret_value(**rotated)
    assert differing(world) == {}


def differing(world: ObservedWorld) -> dict[str, float]:
    """Run a round; return each region's published values about different keys."""
    counted = Counter[str]()
    for _ in range(ROUND_SECONDS // int(MINUTE)):
        for region, measured in world.minute(process=False).items():
            counted[region] += measured.get("SecretVersionsDiffer", 0)
    return {region: number for region, number in counted.items() if number}


def test_unreadable_signing_key_is_no_difference(world: ObservedWorld) -> None:
    world.lost.add(PRIMARY)
    assert "SecretVersionsDiffer" not in world.minute()[SECONDARY]
    world.lost.clear()
    world.client("secretsmanager", PRIMARY).delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
    failed = Counter[str]()
    for _ in range(ROUND_SECONDS // int(MINUTE)):
        for region, measured in world.minute(process=False).items():
            assert "SecretVersionsDiffer" not in measured
            failed[region] += measured.get("StepsFailed", 0)
    assert set(failed) == set(REGIONS)
    assert all(failed.values())


# --- the canary ---------------------------------------------------------------------------------------------------


def test_first_canary_waits_until_files_replicate_both_ways(world: ObservedWorld) -> None:
    world.note_that_files_replicate(truth=False)
    for _ in range(2):
        for measured in world.minute().values():
            # A canary that was not sent is no success: an outage shows in what is published, or in nothing.
            assert (measured["CanariesHeld"], "CanaryFailed" in measured) == (1, False)
        assert [world.memory(region)["canary"] for region in REGIONS] == [None, None]
        buckets = {region: bucket("ingest", region) for region in REGIONS}
        listed = [world.client("s3", region).list_objects_v2(Bucket=name) for region, name in buckets.items()]
        assert [each["KeyCount"] for each in listed] == [0, 0]
    world.note_that_files_replicate()
    for measured in world.minute().values():
        assert ("CanariesHeld" in measured, measured["CanaryFailed"]) == (False, 0)
    assert all(world.memory(region)["canary"] for region in REGIONS)


def test_canaries_that_have_begun_continue_without_the_row(world: ObservedWorld) -> None:
    world.minute()
    world.note_that_files_replicate(truth=False)
    for _ in range(3):
        for measured in world.minute().values():
            assert ("CanariesHeld" in measured, measured["CanaryFailed"]) == (False, 0)
    assert all(world.memory(region)["canary"] for region in REGIONS)


@pytest.mark.parametrize("unreadable", ["memory", "row"])
def test_canary_is_sent_if_the_holding_row_is_unreadable(
    world: ObservedWorld, monkeypatch: pytest.MonkeyPatch, unreadable: str
) -> None:
    """With the peer gone too, the unknown must never look healthy."""
    world.note_that_files_replicate(truth=False)
    world.lost.add(PRIMARY)
    world.broken_apis.add(SECONDARY)

    def fail() -> bool:
        raise ConnectTimeoutError(endpoint_url="https://dynamodb.us-west-2.amazonaws.com")

    observer = world.observer(SECONDARY)
    if unreadable == "memory":
        monkeypatch.setattr(observer.memory, "recall", fail)
    else:
        object.__setattr__(observer, "deployed_hosts", fail)
    measured = world.minute()[SECONDARY]
    assert ("CanariesHeld" in measured, measured["CanaryFailed"]) == (False, 1)


def test_canary_is_processed_and_counted_once_in_both_regions(world: ObservedWorld) -> None:
    world.minute()
    canary = world.memory(PRIMARY)["canary"]
    seen = world.minute()
    assert seen[PRIMARY]["CanarySeconds"] >= 0
    for region in REGIONS:
        result = world.row(f"OBJ#{canary['object_id']}", "RESULT", region=region)
        assert result is not None
        assert (result["state"], result["source"], result["accepted"]) == ("COMPLETED", "canary", 1)


def test_canary_that_is_not_processed_is_lost_in_the_active_region_only(world: ObservedWorld) -> None:
    world.minute()
    world.deaf = True
    world.minute()
    seen = world.minute(process=False)
    assert seen[PRIMARY]["CanaryFailed"] == 1
    assert world.heartbeat(PRIMARY)["canary_seconds"] == -1
    assert "CanarySeconds" not in seen[PRIMARY]
    assert seen[SECONDARY]["CanaryFailed"] == 0, "a passive region has done its part when it has accepted it"
    assert seen[SECONDARY]["PeerUnhealthy"] == 1
    assert world.outcome["peer_numbers"]["canary_seconds"] == -1
    world.deaf = False
    for _ in range(2):
        seen = world.minute()
    assert seen[PRIMARY]["CanaryFailed"] == 0, "it is over when a canary arrives"
    assert seen[SECONDARY]["PeerUnhealthy"] == 0


def test_canary_that_cannot_be_sent_is_lost_and_the_run_continues(world: ObservedWorld) -> None:
    world.minute()
    world.broken_apis.add(PRIMARY)
    seen = world.minute()
    assert seen[PRIMARY]["CanaryFailed"] == 1
    assert seen[PRIMARY]["StepsFailed"] >= 1
    assert seen[PRIMARY]["Heartbeats"] == 1
    heartbeat = world.heartbeat(PRIMARY)
    assert (heartbeat["ready"], heartbeat["canary_seconds"]) == (False, -1)
    assert seen[SECONDARY]["PeerUnhealthy"] == 1


def test_promoted_region_has_time_until_the_next_canary(world: ObservedWorld) -> None:
    world.minute()
    world.deaf = True
    world.minute()
    world.promote(SECONDARY, 1)
    world.replicate_table(source=SECONDARY)
    assert world.minute(process=False)[SECONDARY]["CanaryFailed"] == 0, "it was sent while the region was passive"
    assert world.minute(process=False)[SECONDARY]["CanaryFailed"] == 1


def test_all_rows_of_a_canary_expire_and_its_result_at_the_same_time(world: ObservedWorld) -> None:
    for _ in range(3):
        world.minute()
    days = 20 * 86_400
    kinds = set()
    for region in REGIONS:
        for row in world.rows(region):
            kind = row["pk"].split("#")[0]
            if kind in {"OBJ", "REC", "CLAIM"}:
                assert int(row["expires_at"]) >= world.now + days - 3 * 3600, row
                kinds.add((kind, row["sk"].split("#")[0] if kind == "OBJ" else ""))
            else:
                assert "expires_at" not in row, row
    of_object = {("OBJ", kind) for kind in ("RESULT", "UPLOAD", "ATTEMPT", "REPLICA")}
    assert kinds == {*of_object, ("REC", ""), ("CLAIM", "")}
    results = {row["pk"]: row for row in world.rows(PRIMARY) if row["sk"] == "RESULT"}
    assert results
    for row in results.values():
        received = datetime.fromisoformat(row["received_at"]).timestamp()
        assert int(row["expires_at"]) == int(received) + days, "the same whichever region writes it"


# --- the manual lever ---------------------------------------------------------------------------------------------


def _force(world: ObservedWorld, region: str, forced: dict[str, object]) -> None:
    row = {"pk": {"S": f"FORCE#{region}"}, "sk": {"S": "LATEST"}, "forced": forced}
    world.client("dynamodb", region).put_item(TableName=TABLE, Item=row)
    world.replicate_table(source=region)


def test_forced_failover_is_published_every_minute_until_cleared(world: ObservedWorld) -> None:
    assert world.minute()[SECONDARY]["ForceFailover"] == 0
    _force(world, SECONDARY, {"BOOL": True})
    world.lost.add(PRIMARY)
    for _ in range(3):
        assert world.minute()[SECONDARY]["ForceFailover"] == 1, "silence would leave a last known state to go by"
    world.lost.clear()
    assert world.minute()[PRIMARY]["ForceFailover"] == 0, "the row is the secondary's alone"
    _force(world, SECONDARY, {"BOOL": False})
    assert world.minute()[SECONDARY]["ForceFailover"] == 0


@pytest.mark.parametrize("value", [{"S": "true"}, {"N": "1"}, {"NULL": True}])
def test_force_row_without_a_boolean_publishes_nothing(world: ObservedWorld, value: dict[str, object]) -> None:
    _force(world, SECONDARY, value)
    seen = world.minute()[SECONDARY]
    assert ("ForceFailover" in seen, seen["StepsFailed"], seen["Heartbeats"]) == (False, 1, 1)
    _force(world, SECONDARY, {"BOOL": False})
    assert world.minute()[SECONDARY]["ForceFailover"] == 0


# --- a run that comes again, late, or not at all ------------------------------------------------------------------


def test_repeated_run_has_one_effect(world: ObservedWorld) -> None:
    world.minute()
    before = world.memory(PRIMARY)
    objects = world.client("s3", PRIMARY).list_objects_v2(Bucket=f"serverless-ingest-prod-123456789012-{PRIMARY}-an")
    world.now += 5
    seen = world.observe(PRIMARY)
    assert (seen["Heartbeats"], seen["CanaryFailed"], seen["PeerUnhealthy"]) == (1, 0, 0)
    again = world.client("s3", PRIMARY).list_objects_v2(Bucket=f"serverless-ingest-prod-123456789012-{PRIMARY}-an")
    assert [one["Key"] for one in again["Contents"]] == [one["Key"] for one in objects["Contents"]]
    assert world.memory(PRIMARY)["canary"] == before["canary"], "it is still waited for"


def test_run_after_a_crash_at_upload_sends_the_same_canary_again(
    world: ObservedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = world.observer(PRIMARY).memory
    with monkeypatch.context() as patch:
        first_write = store.keep
        patch.setattr(store, "keep", lambda memory, now: first_write(memory, now) if memory.canary is None else None)
        world.minute()
    kept = world.memory(PRIMARY)
    assert kept["canary"] is None, "it died before it could note what it had sent"
    seen = world.observe(PRIMARY)
    assert seen["CanaryFailed"] == 0, "S3 answers 412, which says that it is there"
    objects = world.client("s3", PRIMARY).list_objects_v2(Bucket=f"serverless-ingest-prod-123456789012-{PRIMARY}-an")
    sent = [one["Key"] for one in objects["Contents"] if f"/{kept['next_canary']['upload_id']}/" in one["Key"]]
    assert len(sent) == 1
    assert world.memory(PRIMARY)["canary"]["run_at"] == kept["next_canary"]["run_at"]


def test_canary_ids_are_unpredictable_and_kept_before_they_are_sent(
    world: ObservedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.broken_apis.add(PRIMARY)
    kept: list[NextCanary] = []
    store = world.observer(PRIMARY).memory
    keep = store.keep

    def spy(memory: Memory, now: float) -> None:
        kept.extend([memory.next_canary] if memory.next_canary else [])
        keep(memory, now)

    monkeypatch.setattr(store, "keep", spy)
    runs = []
    for _ in range(3):
        world.minute()
        runs.append(world.now // 60 * 60)
    assert [one.run_at for one in kept] == runs, "each run is kept although the API did not answer"
    assert len({one.upload_id[14:] for one in kept}) == 3


def test_peer_is_called_at_the_host_that_the_deployment_wrote(world: ObservedWorld) -> None:
    """The peer's heartbeat does not choose the host, even if it names another API of the peer's region."""
    asked: list[str] = []
    send = world.send_http

    def noted(request: AWSPreparedRequest) -> object:
        asked.append(str(request.url))
        return send(request)

    world.minute()
    for url in ("https://evil.example", f"https://stolen.{PRIMARY}.example", "https://api.us-west-2.example"):
        world.client("dynamodb", PRIMARY).update_item(
            TableName=TABLE,
            Key={"pk": {"S": f"HEARTBEAT#{PRIMARY}"}, "sk": {"S": "LATEST"}},
            UpdateExpression="SET api_url = :url",
            ExpressionAttributeValues={":url": {"S": url}},
        )
        object.__setattr__(world.observer(SECONDARY), "http", SimpleNamespace(send=noted))
        for _ in range(6):
            world.now += MINUTE
            world.observe(SECONDARY)
    ready = [url for url in asked if url.endswith("/ready")]
    assert set(ready) == {f"https://api.{region}.example/ready" for region in REGIONS}
    assert ready.count(f"https://api.{PRIMARY}.example/ready") == 18, "in every run"


def test_peer_is_not_called_before_the_deployment_wrote_its_host(world: ObservedWorld) -> None:
    world.note_that_files_replicate(truth=False)
    world.broken_apis.add(PRIMARY)
    world.minute()
    assert world.memory(SECONDARY)["peer_api_url"] is None
    assert world.minute()[SECONDARY]["PeerUnhealthy"] == 0, "a peer that never ran is not unhealthy"
    world.note_that_files_replicate()
    for _ in range(6):
        seen = world.minute()
    assert world.memory(SECONDARY)["peer_api_url"] == f"https://api.{PRIMARY}.example"
    assert seen[SECONDARY]["PeerUnhealthy"] == 1


def test_observer_that_missed_runs_resumes(world: ObservedWorld) -> None:
    for _ in range(2):
        world.minute()
    for minutes_silent in (1, 2, 3, 4):
        world.now += MINUTE
        seen = world.observe(SECONDARY)
        assert seen["PeerUnhealthy"] == (minutes_silent > 3), f"after {minutes_silent} minutes"
    assert world.outcome["peer_numbers"]["age"] == pytest.approx(240, abs=1), "old numbers are logged with their age"
    seen = world.minute()
    assert seen[SECONDARY]["PeerUnhealthy"] == 0
    assert seen[PRIMARY]["CanaryFailed"] == 0, "the canary of five minutes ago arrived, and is judged by that"


@pytest.mark.parametrize(("ahead", "is_unhealthy"), [(-90, 0), (90, 0), (170, 0), (-300, 1), (300, 1)])
def test_clocks_may_differ_by_less_than_the_limit_of_a_heartbeat(
    world: ObservedWorld, ahead: float, is_unhealthy: int
) -> None:
    world.ahead[PRIMARY] = ahead
    world.minute()
    seen = world.minute()
    assert seen[SECONDARY]["PeerUnhealthy"] == is_unhealthy
    assert world.outcome["peer_numbers"]["age"] == pytest.approx(MINUTE * 0 - ahead, abs=1)


# --- a peer that is dead, and one that only seems so --------------------------------------------------------------


def test_dead_peer_does_not_stop_the_own_heartbeat(world: ObservedWorld) -> None:
    world.minute()
    world.minute()
    world.lost.add(PRIMARY)
    seen = world.minute()[SECONDARY]
    assert (seen["Heartbeats"], seen["CanaryFailed"], seen["PeerUnhealthy"]) == (1, 0, 1)
    assert world.outcome["peer"] == ["its heartbeat cannot be read in its own region", "its API is not ready"]
    assert "SplitBrain" not in seen, "nothing is known of it"
    assert float(world.heartbeat(SECONDARY)["at"]) == pytest.approx(world.now, abs=0.01)
    world.lost.clear()
    world.minute()
    assert world.minute()[SECONDARY]["PeerUnhealthy"] == 0


def test_peer_that_drops_packets_costs_a_run_less_than_ten_seconds(
    world: ObservedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(observation.SECONDS, "peer", 8.0)
    monkeypatch.setattr(hours, "ROUND_SECONDS", int(MINUTE))  # a run that asks for the secret's version too
    world.minute()
    world.minute()
    world.lost.add(PRIMARY)
    world.answers.clear()
    try:
        seen = world.minute()[SECONDARY]
    finally:
        world.answers.set()
    assert world.waited_out == 0, "the run must not wait until the connection times out"
    assert (seen["Heartbeats"], seen["PeerUnhealthy"], seen["StepsFailed"]) == (1, 1, 4)
    asked = (
        "read the peer's heartbeat",
        "ask the peer's API",
        "read the peer's register",
        "read the peer's secret's version",
    )
    assert world.outcome["failed"] == [*asked]


def test_peer_with_one_broken_part_is_unhealthy(world: ObservedWorld) -> None:
    world.minute()
    world.minute()
    world.unready.add(PRIMARY)
    assert world.minute()[SECONDARY]["PeerUnhealthy"] == 1
    assert world.outcome["peer"] == ["its API is not ready"]


def test_peer_that_never_ran_is_unhealthy_and_not_dead(world: ObservedWorld) -> None:
    for _ in range(5):
        world.now += MINUTE
        seen = world.observe(SECONDARY, auto_promote=True)
    assert seen["PeerUnhealthy"] == 1
    assert world.outcome["peer"] == ["it has no heartbeat"]
    assert world.claims(SECONDARY) == {}


def test_partition_of_replication_alone_is_no_signal(world: ObservedWorld) -> None:
    world.minute(auto_promote=True)
    world.cut = True
    for _ in range(6):
        seen = world.minute(auto_promote=True)
        assert [seen[region]["PeerUnhealthy"] for region in REGIONS] == [0, 0]
    assert float(world.heartbeat(PRIMARY, seen_from=SECONDARY)["at"]) < world.now - 300, "replication is cut"
    assert world.claims(SECONDARY) == world.claims(PRIMARY) == {}


def test_two_active_regions_are_a_split_brain(world: ObservedWorld) -> None:
    world.minute()
    world.cut = True
    world.promote(SECONDARY, 1)
    seen = world.minute()
    assert [seen[region]["SplitBrain"] for region in REGIONS] == [1, 1]
    world.cut = False
    world.replicate_table(source=SECONDARY)
    seen = world.minute()
    assert ["SplitBrain" in seen[region] for region in REGIONS] == [False, False]
    assert [world.heartbeat(region)["epoch"] for region in REGIONS] == [1, 1]


# --- promotion by itself ------------------------------------------------------------------------------------------


def test_secondary_promotes_itself_in_the_third_run_without_its_peer(world: ObservedWorld) -> None:
    world.minute(auto_promote=True)
    world.minute(auto_promote=True)
    world.lost.add(PRIMARY)
    for _ in range(2):
        assert "AutoPromoted" not in world.minute(auto_promote=True)[SECONDARY]
    assert world.claims(SECONDARY) == {}
    assert world.minute(auto_promote=True)[SECONDARY]["AutoPromoted"] == 1
    assert world.claims(SECONDARY) == {SECONDARY: 1}
    row = world.row(f"CONTROL#{SECONDARY}", "ACTIVE", region=SECONDARY)
    assert row is not None
    assert row["claimed_by"] == "observer"
    for _ in range(4):
        world.minute(auto_promote=True)
    assert world.claims(SECONDARY) == {SECONDARY: 1}, "once active, it claims nothing further"
    world.lost.clear()
    for _ in range(4):
        seen = world.minute(auto_promote=True)
    assert world.claims(PRIMARY) == world.claims(SECONDARY) == {SECONDARY: 1}, "and nobody fails back by himself"
    assert seen[SECONDARY]["CanaryFailed"] == 0


def test_primary_never_promotes_itself(world: ObservedWorld) -> None:
    world.promote(SECONDARY, 1)
    world.replicate_table(source=SECONDARY)
    world.minute(auto_promote=True)
    world.minute(auto_promote=True)
    world.lost.add(SECONDARY)
    for _ in range(5):
        seen = world.minute(auto_promote=True)
    assert seen[PRIMARY]["PeerUnhealthy"] == 1
    assert world.claims(PRIMARY) == {SECONDARY: 1}


def test_secondary_without_the_setting_does_not_promote(world: ObservedWorld) -> None:
    world.minute()
    world.minute()
    world.lost.add(PRIMARY)
    for _ in range(5):
        world.minute()
    assert world.claims(SECONDARY) == {}


@pytest.mark.parametrize("only", ["unready", "broken_apis"])
def test_one_signal_alone_promotes_nothing(world: ObservedWorld, only: str) -> None:
    world.minute(auto_promote=True)
    world.minute(auto_promote=True)
    getattr(world, only).add(PRIMARY)
    for _ in range(5):
        seen = world.minute(auto_promote=True)
    assert seen[SECONDARY]["PeerUnhealthy"] == 1
    assert world.claims(SECONDARY) == {}


def test_unreachable_peer_with_new_heartbeats_is_alive(world: ObservedWorld) -> None:
    world.minute(auto_promote=True)
    world.minute(auto_promote=True)
    for _ in range(6):
        world.now += MINUTE
        world.lost.clear()
        world.observe(PRIMARY, auto_promote=True)
        world.lost.add(PRIMARY)  # from here; its rows are replicated
        assert world.observe(SECONDARY, auto_promote=True)["PeerUnhealthy"] == 1
    assert world.claims(SECONDARY) == {}


def test_region_that_is_not_ready_does_not_promote_itself(world: ObservedWorld) -> None:
    world.minute(auto_promote=True)
    world.minute(auto_promote=True)
    world.lost.add(PRIMARY)
    world.unready.add(SECONDARY)
    for _ in range(4):
        world.minute(auto_promote=True)
    assert world.claims(SECONDARY) == {}
    world.unready.clear()
    world.minute(auto_promote=True)
    assert world.claims(SECONDARY) == {SECONDARY: 1}, "the three runs have long been"


def test_missed_runs_are_not_consecutive(world: ObservedWorld) -> None:
    world.minute(auto_promote=True)
    world.minute(auto_promote=True)
    world.lost.add(PRIMARY)
    for _ in range(5):
        world.now += 3 * MINUTE
        world.observe(SECONDARY, auto_promote=True)
    assert world.claims(SECONDARY) == {}


def test_run_delivered_three_times_counts_as_one(world: ObservedWorld) -> None:
    world.minute(auto_promote=True)
    world.minute(auto_promote=True)
    world.lost.add(PRIMARY)
    world.now += MINUTE
    for _ in range(4):
        world.observe(SECONDARY, auto_promote=True)
    assert world.memory(SECONDARY)["streak"]["runs"] == 1
    assert world.claims(SECONDARY) == {}


# --- an own region that is ill --------------------------------------------------------------------------------------


def test_failing_own_table_leaves_the_peer_checks_running(world: ObservedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.minute()
    world.minute()
    observer = world.observer(SECONDARY)
    own = observer.register._dynamodb  # noqa: SLF001 - its client of its own table
    before = world.memory(SECONDARY)

    def refuse(**_: object) -> None:
        raise ConnectionError

    own.meta.events.register_first("before-send.dynamodb.*", refuse)
    world.unready.add(PRIMARY)
    world.now += MINUTE
    monkeypatch.setattr(world, "cut", True)
    seen = world.observe(SECONDARY)
    own.meta.events.unregister("before-send.dynamodb.*", refuse)
    assert seen["Heartbeats"] == 0
    assert world.outcome["peer_numbers"]["age"] > 0
    assert seen["StepsFailed"] >= 1
    assert world.memory(SECONDARY) == before
