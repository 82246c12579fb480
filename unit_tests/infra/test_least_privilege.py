"""Test that each role has exactly the permissions that its code needs, by all policies that apply.

`iam/needs.py` and `iam/services.py` hold the tables; `iam/world.py` evaluates. The mutations at the end test the check
itself: each changes one thing in one policy of the templates, and the check must report it.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from unit_tests.infra.iam import needs
from unit_tests.infra.iam.judge import expectations, place_of, problems, sample
from unit_tests.infra.iam.resolve import UnresolvableError
from unit_tests.infra.iam.statements import Request, UnknownPolicyError
from unit_tests.infra.iam.world import World
from unit_tests.infra.synthesis import REGIONAL, STACKS, Synthesis, Template


@pytest.fixture(scope="module")
def world(prod: Synthesis) -> World:
    return World(prod)


def test_role_has_exactly_the_needed_permissions(prod: Synthesis) -> None:
    assert list(problems(prod)) == []


def test_roles_are_all_in_the_table(prod: Synthesis, world: World) -> None:
    words = {(each.who.rpartition(" in ")[0]) for each in expectations(prod, world)}
    functions = {"processor", "issuer", "observer", "rotation", "default-security-group", "bucket-replication"}
    others = {"replication", "batch replication", "flow logs", "trail", "operator"}
    assert words == {*functions, "table-policy", *others}


def test_actions_have_no_wildcard(world: World) -> None:
    for arn, role in world.roles.items():
        assert not [action for each in role.statements for action in each.actions if "*" in action], arn
    for place, policy in world.endpoints.items():
        assert not [action for each in policy for action in each.actions if "*" in action], place


def test_action_allowed_everywhere_is_explained_and_used(world: World) -> None:
    used = {
        grant.action
        for role in world.roles.values()
        for each in role.statements
        for grant in each.grants()
        if grant.resource == "*"
    }
    assert used == set(needs.EVERYWHERE)


class TestWhatIsRefused:
    """Callers with the permission by all other policies, so that a denial comes from the tested statement."""

    @pytest.fixture(params=REGIONAL)
    def uploads(self, request: pytest.FixtureRequest, prod: Synthesis, world: World) -> Request:
        """The issuer puts an upload into its region's bucket."""
        place = place_of(prod, request.param)
        issuer = world.functions["serverless-issuer-prod", place.region].role
        call = Request(issuer, "s3:PutObject", f"{place.bucket('ingest')}/incoming/uploads/1/2/3")
        assert not world.refusals(call)
        return call

    @pytest.mark.parametrize(
        "context",
        [
            {"aws:SecureTransport": "false"},
            {"s3:TlsVersion": "1.1"},
            {"s3:x-amz-server-side-encryption": "AES256"},
            {"s3:x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:us-east-1:111122223333:key/another"},
        ],
    )
    def test_upload_unencrypted_or_under_another_key_is_denied(
        self, context: dict[str, str], uploads: Request, world: World
    ) -> None:
        assert world.refusals(replace(uploads, context=context))

    def test_upload_under_another_prefix_is_denied(self, uploads: Request, world: World) -> None:
        assert world.refusals(replace(uploads, resource=uploads.resource.replace("/uploads/", "/direct/")))

    def test_canary_put_by_any_role_but_the_issuer_is_denied(self, uploads: Request, world: World) -> None:
        canary = f"{uploads.resource.partition('/')[0]}/incoming/uploads/canary/1/2/3"
        assert world.denials(replace(uploads, resource=canary)) == []
        others = world.roles.keys() - {uploads.principal}
        assert len(others) > 5
        for role in (*others, "arn:aws:iam::111122223333:role/stranger", "anonymous"):
            assert world.denials(replace(uploads, principal=role, resource=canary)), role
            assert world.denials(replace(uploads, principal=role)) == [], role
            # A replica is written by another action.
            assert world.denials(replace(uploads, principal=role, resource=canary, action="s3:ReplicateObject")) == []

    def test_upload_into_the_other_region_is_denied(self, uploads: Request, world: World) -> None:
        here, there = ("us-east-1", "us-west-2") if "us-east-1" in uploads.resource else ("us-west-2", "us-east-1")
        assert world.refusals(replace(uploads, resource=uploads.resource.replace(here, there)))

    @pytest.mark.parametrize("stack", REGIONAL)
    @pytest.mark.parametrize("word", ["ingest", "ingest-dlq", "async-dlq"])
    def test_message_without_tls_is_denied(self, word: str, stack: str, prod: Synthesis, world: World) -> None:
        place = place_of(prod, stack)
        processor = world.functions["serverless-processor-prod", place.region].role
        call = Request(processor, "sqs:SendMessage", place.queue(word))
        assert not world.refusals(call)
        assert world.refusals(replace(call, context={"aws:SecureTransport": "false"}))

    @pytest.mark.parametrize("stack", REGIONAL)
    @pytest.mark.parametrize("context", [{"aws:SecureTransport": "false"}, {"aws:PrincipalAccount": "111122223333"}])
    def test_secret_without_tls_or_to_another_account_is_denied(
        self, context: dict[str, str], stack: str, prod: Synthesis, world: World
    ) -> None:
        place = place_of(prod, stack)
        issuer = world.functions["serverless-issuer-prod", place.region].role
        call = Request(issuer, "secretsmanager:GetSecretValue", sample(place.secret))
        assert not world.refusals(call)
        assert world.refusals(replace(call, context=context))

    def test_object_read_past_the_endpoint_by_another_role_is_denied(self, prod: Synthesis, world: World) -> None:
        place = place_of(prod, "PrimaryRegional")
        rotation = world.functions["serverless-rotation-prod", place.region].role
        call = Request(rotation, "s3:GetObject", f"{place.bucket('ingest')}/incoming/a.csv")
        assert any("endpoint" in why for why in world.refusals(call, endpoint=place.region))

    def test_data_key_under_another_alias_is_denied_to_replication(self, prod: Synthesis, world: World) -> None:
        role = next(each.role for each in expectations(prod, world) if each.who == "replication in us-east-1")
        call = Request(role, "kms:Encrypt", "arn:aws:kms:us-west-2:000000000000:key/serverless-data-prod")
        assert not world.refusals(call)
        assert world.refusals(replace(call, resource=call.resource.replace("-data-", "-secret-")))


LOG_DELIVERY = (
    "cloudtrail.amazonaws.com",
    "config.amazonaws.com",
    "delivery.logs.amazonaws.com",
    "logging.s3.amazonaws.com",
    "s3.amazonaws.com",
)
"""Service principals that deliver files to buckets: the trail's, and others that an account may configure."""
ANOTHER_KEY = "arn:aws:kms:us-east-1:111122223333:key/another"
DELIVERED_UNDER: tuple[dict[str, str], ...] = (
    {},
    {"s3:x-amz-server-side-encryption": "AES256"},
    {"s3:x-amz-server-side-encryption": "aws:kms:dsse"},
    {"s3:x-amz-server-side-encryption": "aws:kms", "s3:x-amz-server-side-encryption-aws-kms-key-id": ANOTHER_KEY},
)


@pytest.mark.parametrize("encryption", DELIVERED_UNDER, ids=str)
def test_deny_statements_do_not_stop_services(encryption: dict[str, str], world: World) -> None:
    """A statement that denies every principal must not stop AWS services, which always use TLS."""
    asked = 0
    for arn, statements in world.resource_policies.items():
        named = {who for each in statements for who in each.principals if who.endswith(".amazonaws.com")}
        for service in {*named, *(LOG_DELIVERY if arn.startswith("arn:aws:s3:::") else ())}:
            for resource in (arn, f"{arn}/AWSLogs/file"):
                for action in ("s3:PutObject", "s3:GetBucketAcl", "sqs:SendMessage", "sns:Publish", "kms:Decrypt"):
                    request = Request(service, action, resource, encryption)
                    assert world.denials(request) == [], arn
                    asked += 1
    assert asked > 100


def test_role_with_another_key_is_denied(prod: Synthesis, world: World) -> None:
    place = place_of(prod, "Data")
    role = world.functions["serverless-processor-prod", place.region].role
    for encryption in DELIVERED_UNDER[1:]:
        assert world.denials(Request(role, "s3:PutObject", f"{place.bucket('trail')}/AWSLogs/file", encryption)), encryption


Statements = list[dict[str, Any]]
Mutation = Callable[[Statements], Iterator[tuple[str, Statements]]]


def a_statement_is_removed(statements: Statements) -> Iterator[tuple[str, Statements]]:
    for index in range(len(statements)):
        yield f"statement {index}", [each for at, each in enumerate(statements) if at != index]


def an_action_is_removed(statements: Statements) -> Iterator[tuple[str, Statements]]:
    for index, statement in enumerate(statements):
        actions = statement["Action"]
        for action in actions if isinstance(actions, list) else []:
            fewer = {**statement, "Action": [each for each in actions if each != action]}
            yield f"{action} in statement {index}", _with(statements, index, fewer)


def an_action_is_added(statements: Statements) -> Iterator[tuple[str, Statements]]:
    for index, statement in enumerate(statements):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        service = actions[0].partition(":")[0]
        for action in (f"{service}:ListTags", f"{service}:*"):
            if action not in actions:
                yield (
                    f"{action} in statement {index}",
                    _with(statements, index, {**statement, "Action": [*actions, action]}),
                )


def a_resource_is_widened(statements: Statements) -> Iterator[tuple[str, Statements]]:
    for index, statement in enumerate(statements):
        if statement.get("Resource", "*") != "*":
            yield f"statement {index}", _with(statements, index, {**statement, "Resource": "*"})


def a_resource_is_removed(statements: Statements) -> Iterator[tuple[str, Statements]]:
    for index, statement in enumerate(statements):
        resources: Any = statement.get("Resource")
        for at in range(len(resources)) if isinstance(resources, list) else ():
            fewer = [each for each_at, each in enumerate(resources) if each_at != at]
            yield f"resource {at} of statement {index}", _with(statements, index, {**statement, "Resource": fewer})


def a_condition_is_dropped(statements: Statements) -> Iterator[tuple[str, Statements]]:
    for index, statement in enumerate(statements):
        for operator, keys in statement.get("Condition", {}).items():
            for key in keys:
                left = {
                    one: {k: v for k, v in of.items() if (one, k) != (operator, key)}
                    for one, of in statement["Condition"].items()
                }
                yield f"{key} of statement {index}", _with(statements, index, {**statement, "Condition": left})


def a_principal_is_widened(statements: Statements) -> Iterator[tuple[str, Statements]]:
    for index, statement in enumerate(statements):
        if statement.get("Principal", "*") not in ("*", {"AWS": "*"}):
            yield f"statement {index}", _with(statements, index, {**statement, "Principal": {"AWS": "*"}})


def the_effect_is_turned(statements: Statements) -> Iterator[tuple[str, Statements]]:
    for index, statement in enumerate(statements):
        turned = {"Allow": "Deny", "Deny": "Allow"}[statement["Effect"]]
        yield f"statement {index}", _with(statements, index, {**statement, "Effect": turned})


def everything_is_allowed(statements: Statements) -> Iterator[tuple[str, Statements]]:
    extra: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    if statements and "Principal" in statements[0]:
        extra |= {"Principal": {"AWS": "*"}}
    yield "one more statement", [*statements, extra]


MUTATIONS: tuple[Mutation, ...] = (
    a_statement_is_removed,
    an_action_is_removed,
    an_action_is_added,
    a_resource_is_widened,
    a_resource_is_removed,
    a_condition_is_dropped,
    a_principal_is_widened,
    the_effect_is_turned,
    everything_is_allowed,
)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_changed_policy_is_noticed(mutation: Mutation, stack: str, prod: Synthesis, world: World) -> None:
    tried, unnoticed = 0, []
    for where, path in policies(prod.templates[stack]):
        for what, statements in mutation(_at(prod.templates[stack], path)):
            tried += 1
            if not noticed(mutated(prod, stack, path, statements), world):
                unnoticed.append(f"{where}: {what}")
    assert unnoticed == []
    assert tried or mutation is a_principal_is_widened or stack in {"Failover", "Data", *STACKS[:2]}


@pytest.mark.parametrize("stack", REGIONAL)
def test_changed_function_permission_is_noticed(stack: str, prod: Synthesis) -> None:
    template = prod.templates[stack]
    permissions = [name for name, each in template["Resources"].items() if each["Type"] == "AWS::Lambda::Permission"]
    assert permissions
    for name in permissions:
        without = copy.deepcopy(template)
        del without["Resources"][name]
        assert noticed(replaced(prod, stack, without)), name
        for_anyone = copy.deepcopy(template)
        del for_anyone["Resources"][name]["Properties"]["SourceArn"]
        assert noticed(replaced(prod, stack, for_anyone)), name


@pytest.mark.parametrize("stack", ["PrimaryRegional", "Failover"])
@pytest.mark.parametrize("key", ["alias/serverless-data-prod", "alias/serverless-queue-prod"])
def test_unusable_key_is_noticed(key: str, stack: str, prod: Synthesis) -> None:
    """A bucket or queue with another key than its users may use denies all of them."""
    template = copy.deepcopy(prod.templates[stack])
    changed = 0
    other = {"Fn::ImportValue": _export_of("logs", prod)}
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::SQS::Queue" and "queue" in key:
            properties["KmsMasterKeyId"], changed = other, changed + 1
        if resource["Type"] == "AWS::S3::Bucket" and "data" in key:
            (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            if "KMSMasterKeyID" in rule["ServerSideEncryptionByDefault"]:
                rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"], changed = other, changed + 1
    assert bool(changed) == noticed(replaced(prod, stack, template))


Path_ = tuple[str, ...]


def policies(template: Template) -> Iterator[tuple[str, Path_]]:
    """Yield the place of each policy document of a template, including trust policies."""
    for logical_id, resource in template["Resources"].items():
        for name, value in resource.get("Properties", {}).items():
            if isinstance(value, dict) and "Statement" in value:
                yield f"{logical_id}.{name}", ("Resources", logical_id, "Properties", name)


def mutated(synthesis: Synthesis, stack: str, path: Path_, statements: Statements) -> Synthesis:
    """Return the templates with one policy's statements replaced; the rest is shared."""
    return replaced(synthesis, stack, _put(synthesis.templates[stack], (*path, "Statement"), statements))


def replaced(synthesis: Synthesis, stack: str, template: Template) -> Synthesis:
    return replace(synthesis, templates={**synthesis.templates, stack: template})


def noticed(synthesis: Synthesis, like: World | None = None) -> bool:
    try:
        return any(True for _ in problems(synthesis, like))
    except (UnknownPolicyError, UnresolvableError):
        return True


def _at(template: Template, path: Path_) -> Statements:
    found: Any = template
    for key in path:
        found = found[key]
    statements: Statements = found["Statement"]
    return statements


def _put(value: dict[str, Any], path: Path_, new: object) -> dict[str, Any]:
    key, *rest = path
    return {**value, key: _put(value[key], tuple(rest), new) if rest else new}


def _with(statements: Statements, index: int, statement: dict[str, Any]) -> Statements:
    return [*statements[:index], statement, *statements[index + 1 :]]


def _export_of(purpose: str, synthesis: Synthesis) -> str:
    outputs = synthesis.templates["PrimaryKeys"]["Outputs"].values()
    return next(
        str(output["Export"]["Name"])
        for output in outputs
        if "Export" in output and f"Keys{purpose.capitalize()}" in output["Export"]["Name"]
    )
