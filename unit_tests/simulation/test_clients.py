"""Histories in which the real client uploads through the real issuer, and is held to what it writes down."""

from typing import Any

import pytest

from unit_tests.simulation.histories import Outcome, run

CLIENT_SEEDS = (2, 10, 15)
"""Seeds whose histories have clients."""
UPLOADS = [
    {"at": 1.0, "region": "us-east-1", "name": "one", "records": "ggb", "by_client": True},
    {"at": 2.0, "region": "us-east-1", "name": "two", "records": "gg", "by_client": True},
]


def plan(*faults: tuple[str, float, float], region: str = "us-east-1", name: str = "") -> dict[str, Any]:
    """Return a plan of two uploads and some faults: kind, time or number, and how long."""
    given = [{"kind": kind, "region": region, "at": at, "lasts": lasts, "name": name} for kind, at, lasts in faults]
    return {"seed": 1, "uploads": UPLOADS, "faults": given, "horizon": 3600.0}


def test_history_of_clients_is_independent_of_the_hash_seed() -> None:
    first, second = run("drawn", *CLIENT_SEEDS, hash_seed="1"), run("drawn", *CLIENT_SEEDS, hash_seed="2")
    assert first == second
    assert all(one["answers"] and not one["broken"] for one in first)


FAULTS = [
    (("a client's request is lost", 1, 0.0), "no connection"),
    (("the answer to a client is lost", 1, 0.0), "no answer"),
    (("the answer to a client is lost", 2, 0.0), "us-west-2 client s3:PUT PUT"),
    (("the client is killed before a request", 2, 0.0), "is killed before it"),
    (("the client is killed after a request", 2, 0.0), "412"),
    (("the client is killed while it writes its journal", 2, 0.0), "while it writes its journal"),
    (("another machine continues by a copy of the journal", 1.1, 0.0), "412"),
    (("clients cannot reach the region", 0.5, 300.0), "us-west-2 client s3:PUT PUT"),
    (("the clients' credentials have expired", 0.5, 100.0), "403"),
    (("the functions' credentials have expired", 0.5, 100.0), "503"),
    (("the region is dark", 1.5, 300.0), "us-west-2 client s3:PUT PUT"),
    (("the region is destroyed", 2.5, 0.0), "us-west-2 client"),
]


@pytest.fixture(scope="module")
def faulty() -> list[Outcome]:
    return run("given", *(plan(fault) for fault, _ in FAULTS))


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault[0] for fault, _ in FAULTS])
def test_client_fault_loses_and_duplicates_nothing(faulty: list[Outcome], number: int) -> None:
    (fault, seen), outcome = FAULTS[number], faulty[number]
    assert (outcome["broken"], set(outcome["states"])) == ([], {"processed"})
    assert fault[0] in outcome["coverage"]
    assert any(seen in line for line in outcome["answers"]), outcome["answers"]


def test_upload_id_with_other_content_is_refused_by_the_issuer() -> None:
    (outcome,) = run("given", plan(("an upload id is used for other content", 30.0, 0.0), name="one"))
    assert (outcome["broken"], outcome["states"]) == ([], ["processed", "processed"])
    assert any("POST /uploads: 409" in line for line in outcome["answers"])


def test_rotation_during_the_loss_of_its_region_keeps_receipts() -> None:
    (outcome,) = run(
        "given", plan(("the secret is rotated", 3.0, 0.0), ("the region is destroyed", 3.4, 0.0), region="us-west-2")
    )
    assert (outcome["broken"], outcome["states"]) == ([], ["processed", "processed"])
    assert any("RotateSecret" in line for line in outcome["answers"])


def test_key_denied_in_a_rotation_is_fixed_by_the_next() -> None:
    denied = plan(("the secret is rotated", 3.0, 0.0), region="us-west-2")
    fault = {"kind": "the secret's key denies its use", "region": "us-east-1", "at": 0.0, "lasts": 300.0}
    denied["faults"] = [fault, *denied["faults"]]
    denied["uploads"] = [UPLOADS[0], UPLOADS[1] | {"region": "us-west-2", "at": 700.0}]
    (outcome,) = run("given", denied)
    assert (outcome["broken"], outcome["states"]) == ([], ["processed", "processed"])
    assert any("failed: the key of us-east-1 denies" in line for line in outcome["answers"])


REUSED = plan(("an upload id is used for other content", 30.0, 0.0), name="one")
KILLED = plan(("the client is killed after a request", 2, 0.0))
LOST = plan(("the answer to a client is lost", 1, 0.0))
PARTED = plan(("the regions are parted", 0.5, 900.0))
ROTATED = plan(("the secret is rotated", 0.1, 0.0), region="us-west-2")
ROTATED["uploads"] = [one | {"region": "us-west-2", "at": 400.0} for one in UPLOADS]


@pytest.mark.parametrize(
    ("sabotage", "given", "broken"),
    [
        ("client that forgets its journal", KILLED, "a file of a client is one object"),
        ("client with a new id for each try", LOST, "what is accepted was put"),
        (
            "client that treats a lost answer as a success",
            plan(("a client's request is lost", 2, 0.0)),
            "what is accepted was put",
        ),
        ("issuer that accepts an id for other content", REUSED, "an upload id is for one content"),
        ("signing keys that differ between regions", ROTATED, "a receipt verifies in each region"),
        ("durable from processed", PARTED, "durable never lies"),
        ("durable from processed, in the client", PARTED, "durable never lies"),
    ],
)
def test_sabotaged_client_issuer_or_secret_is_convicted(sabotage: str, given: dict[str, Any], broken: str) -> None:
    (outcome,) = run("given", given, sabotage=sabotage)
    assert broken in outcome["broken"]


def test_unsabotaged_handlers_pass_the_same_plans() -> None:
    assert [outcome["broken"] for outcome in run("given", REUSED, KILLED, LOST, PARTED, ROTATED)] == [[]] * 5
