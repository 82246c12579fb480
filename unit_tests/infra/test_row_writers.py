"""Test the rows that each role may write: every role, row and action in both replicas, by all policies together.

The tables of `iam/needs.py` hold the policies' text. These tests evaluate their effect, also for a stolen role and for an
administrator without a limiting policy.
"""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from infra.settings import Settings
from unit_tests.infra.iam.statements import Request, Statement
from unit_tests.infra.iam.world import Role, World
from unit_tests.infra.synthesis import REGIONAL, Synthesis, synthesized

PRIMARY, SECONDARY = "us-east-1", "us-west-2"
ACCOUNT = "000000000000"
WRITES = ("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem")
ROWS = {
    "OBJ": "OBJ#{id}",
    "CLAIM": "CLAIM#default#{id}",
    "REC": "REC#{id}#000000",
    **{
        f"{word} of {region}": f"{word}#{region}"
        for word in ("CONTROL", "FORCE", "HEALTH", "HEARTBEAT", "REPLICATION", "DIGEST", "OBSERVER", "RECONCILER")
        for region in (PRIMARY, SECONDARY)
    },
}
"""A partition key of each kind of row that `handlers/shared/schema.py` lists."""
OBSERVED = ("HEARTBEAT", "DIGEST", "OBSERVER")
EVERYWHERE = (PRIMARY, SECONDARY)
ADMINISTRATOR = f"arn:aws:iam::{ACCOUNT}:role/administrator"
REPLICATION = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/replication.dynamodb.amazonaws.com/AWSServiceRoleForDynamoDBReplication"
)
Allowed = set[tuple[str, str, str, str]]
"""A role, the action, the row, and the region of the replica that the role writes through."""


def expected(*, auto_promote: bool) -> Allowed:
    allowed = {
        *(
            ("operator", "PutItem", row, replica)
            for replica in EVERYWHERE
            for row in (f"CONTROL of {PRIMARY}", f"CONTROL of {SECONDARY}", f"FORCE of {SECONDARY}")
        )
    }
    for region in EVERYWHERE:
        processor, issuer, observer = (f"{word} of {region}" for word in ("processor", "issuer", "observer"))
        allowed |= {(processor, action, "REC", region) for action in ("BatchWriteItem", "DeleteItem")}
        written = ("OBJ", f"RECONCILER of {region}")
        allowed |= {(processor, action, row, region) for action in ("PutItem", "UpdateItem") for row in written}
        allowed |= {(issuer, "PutItem", row, region) for row in ("OBJ", "CLAIM", f"HEALTH of {region}")}
        allowed |= {(observer, "PutItem", f"{word} of {region}", region) for word in OBSERVED}
    allowed.add((f"bucket-replication of {SECONDARY}", "PutItem", f"REPLICATION of {SECONDARY}", SECONDARY))
    if auto_promote:
        allowed.add((f"observer of {SECONDARY}", "PutItem", f"CONTROL of {SECONDARY}", SECONDARY))
    return allowed


def names(world: World) -> dict[str, str]:
    """Return a short name for each role by its ARN: a function's name and region if the role is a function's."""
    found = {arn: arn.rpartition("/")[2] for arn in world.roles}
    for (function, region), place in world.functions.items():
        found[place.role] = f"{function.removeprefix('serverless-').removesuffix('-prod')} of {region}"
    return found | {f"arn:aws:iam::{ACCOUNT}:role/serverless-operator-prod": "operator"}


def requests(role: str) -> list[tuple[str, str, str, Request]]:
    return [
        (
            action,
            row,
            replica,
            Request(
                role,
                f"dynamodb:{action}",
                f"arn:aws:dynamodb:{replica}:{ACCOUNT}:table/serverless-ledger-prod",
                {"dynamodb:LeadingKeys": (key.format(id="0" * 64),)},
            ),
        )
        for action, (row, key), replica in itertools.product(WRITES, ROWS.items(), EVERYWHERE)
    ]


def allowed_in(made: Synthesis) -> Allowed:
    world = World(made)
    return {
        (name, action, row, replica)
        for arn, name in names(world).items()
        for action, row, replica, request in requests(arn)
        if not world.refusals(request)
    }


@pytest.mark.parametrize("auto_promote", [False, True])
def test_role_writes_only_its_own_rows(auto_promote: bool) -> None:  # noqa: FBT001
    made = synthesized(Settings(auto_promote=auto_promote))
    assert allowed_in(made) == expected(auto_promote=auto_promote)


@pytest.fixture(scope="module")
def world(prod: Synthesis) -> World:
    """Return the templates' policies with a role of the account that may do everything."""
    made = World(prod)
    everything = Statement("Allow", ("*",), ("*",), (), frozenset())
    for arn in (ADMINISTRATOR, REPLICATION):
        made.roles[arn] = Role([], [everything])
    return made


@pytest.mark.parametrize("row", ROWS)
def test_administrator_may_not_write_a_row_that_a_region_owns(world: World, row: str) -> None:
    owned = " of " in row
    asked = [request for _, of, _, request in requests(ADMINISTRATOR) if of == row]
    asked += [replace(one, action=f"dynamodb:PartiQL{verb}") for one in asked for verb in ("Insert", "Update", "Delete")]
    assert len(asked) == 32
    assert {bool(world.refusals(request)) for request in asked} == {owned}


WRITERS = {
    **{f"HEALTH of {region}": (f"issuer of {region}", region) for region in EVERYWHERE},
    **{f"RECONCILER of {region}": (f"processor of {region}", region) for region in EVERYWHERE},
    **{f"{word} of {region}": (f"observer of {region}", region) for word in OBSERVED for region in EVERYWHERE},
    f"REPLICATION of {SECONDARY}": (f"bucket-replication of {SECONDARY}", SECONDARY),
}
"""The only role of a function that may write a row, and the replica that it uses."""


@pytest.mark.parametrize("row", [row for row in ROWS if row.partition(" ")[0] in {"HEALTH", "RECONCILER", *OBSERVED}])
def test_function_given_every_right_writes_only_its_own_rows(prod: Synthesis, row: str) -> None:
    """The table's policy denies other rows even to a role whose own policy allows everything."""
    world = World(prod)
    everything = Statement("Allow", ("*",), ("*",), (), frozenset())
    for role in world.roles.values():
        role.statements.append(everything)
    allowed = {
        (name, replica)
        for arn, name in names(world).items()
        for _, of, replica, request in requests(arn)
        if of == row and not world.refusals(request)
    }
    assert allowed == {WRITERS[row]}


def test_batch_that_hides_a_control_row_among_others_is_refused(world: World) -> None:
    for _, _, _, request in requests(ADMINISTRATOR):
        hidden = replace(request, context={"dynamodb:LeadingKeys": ("OBJ#1", f"CONTROL#{PRIMARY}", "OBJ#2")})
        assert world.refusals(hidden)


def test_replication_may_write_every_row_of_every_replica(world: World) -> None:
    """A denied row never arrives, or it stops the replication."""
    assert not [why for *_, request in requests(REPLICATION) for why in world.refusals(request)]


@pytest.mark.parametrize("row", ROWS)
def test_everybody_of_the_account_may_still_read(world: World, row: str) -> None:
    reads = [
        replace(request, action=f"dynamodb:{action}")
        for _, of, _, request in requests(ADMINISTRATOR)
        for action in ("GetItem", "Query", "Scan")
        if of == row
    ]
    assert not [why for request in reads for why in world.refusals(request)]


def test_actions_without_a_key_are_not_granted(prod: Synthesis) -> None:
    """`ForAllValues` is true without the key, so a role with such a limit must neither scan nor use PartiQL."""
    for arn, role in World(prod).roles.items():
        grants = [grant for each in role.statements for grant in each.grants() if grant.action.startswith("dynamodb:")]
        assert not [grant for grant in grants if "PartiQL" in grant.action], arn
        scans = [grant for grant in grants if grant.action == "dynamodb:Scan"]
        assert not [grant for grant in scans if grant.conditions], f"{arn} is held to rows, and may scan them all"


def test_row_families_of_the_schema_are_all_tested() -> None:
    schema = (Path(__file__).parents[2] / "handlers" / "shared" / "schema.py").read_text()
    kinds = {line.split("`")[1].split("#")[0] for line in schema.splitlines() if line.startswith("| `")}
    assert kinds == {row.partition(" ")[0] for row in ROWS}
    assert len(REGIONAL) == len(EVERYWHERE)
