"""Compare the templates' policies with the tables of needs: nothing may be missing, nothing superfluous."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace

from unit_tests.infra.iam import needs, services
from unit_tests.infra.iam.conditions import Context
from unit_tests.infra.iam.needs import Need, Place
from unit_tests.infra.iam.resolve import Resolver
from unit_tests.infra.iam.services import ResourceStatement
from unit_tests.infra.iam.statements import Conditions, Grant, Request
from unit_tests.infra.iam.world import World
from unit_tests.infra.synthesis import REGIONAL, Synthesis, of_type, only


@dataclass(frozen=True)
class Expectation:
    """The policies that one role must have.

    Attributes:
        who: its name in messages.
        role: its ARN.
        trusts: the service that may assume it, and the conditions.
        needs: all its needs.
        refused: the exceptions from its needs, which a policy denies.
        endpoint: the region of the VPC endpoints that its own calls use; None outside a VPC.
    """

    who: str
    role: str
    trusts: tuple[str, Conditions]
    needs: tuple[Need, ...]
    refused: tuple[Grant, ...] = ()
    endpoint: str | None = None


def problems(synthesis: Synthesis, like: World | None = None) -> Iterator[str]:
    """Return each missing and each superfluous permission; nothing if the policies equal the tables.

    The statements of the policies are compared first, which is quick. Then each need is requested with its role.
    """
    world = World(synthesis, like)
    expected = list(expectations(synthesis, world))
    statements = list(_resource_statements(synthesis, world))
    yield from _unknown_roles(world, expected)
    for each in expected:
        yield from _role(world, each)
    yield from _endpoints(world, expected)
    yield from _resource_policies(world, statements)
    for each in expected:
        yield from _unmet_needs(world, each)
    for statement in statements:
        yield from _unmet_service(world, statement)


def expectations(synthesis: Synthesis, world: World) -> Iterator[Expectation]:
    """Yield the expected policies of each role of the environment."""
    for stack in REGIONAL:
        place = place_of(synthesis, stack)
        template, resolver = synthesis.templates[stack], Resolver.of(synthesis, stack)
        (vpc,) = of_type(template, "AWS::EC2::VPC")
        group = resolver.attribute(vpc, "DefaultSecurityGroup")
        yield _function(world, place, "processor", needs.processor(place))
        yield _function(world, place, "issuer", needs.issuer(place))
        (api,) = of_type(template, "AWS::ApiGatewayV2::Api")
        yield _function(world, place, "observer", needs.observer(place, resolver.reference(api)))
        yield _function(world, place, "rotation", needs.rotation(place))
        yield _function(world, place, "default-security-group", needs.default_security_group(place, group))
        replication = resolver.text(template["Outputs"]["ReplicationRoleArn"]["Value"])
        yield _service_role("replication", place, replication, "s3.amazonaws.com", needs.replication(place))
        flow_logs = resolver.text(only(template, "AWS::EC2::FlowLog")["DeliverLogsPermissionArn"])
        service = "vpc-flow-logs.amazonaws.com"
        by_us = needs.condition("StringEquals", "aws:SourceAccount", place.account)
        by_us |= needs.condition("ArnLike", "aws:SourceArn", place.arn("ec2", "vpc-flow-log/*"))
        yield _service_role("flow logs", place, flow_logs, service, needs.flow_logs(place), by_us)

    place = place_of(synthesis, "Data")
    resolver, trail = Resolver.of(synthesis, "Data"), only(synthesis.templates["Data"], "AWS::CloudTrail::Trail")
    role = resolver.text(trail["CloudWatchLogsRoleArn"])
    yield _service_role("trail", place, role, "cloudtrail.amazonaws.com", needs.trail(place))

    with_second_factor = needs.condition("Bool", "aws:MultiFactorAuthPresent", "true")
    root = f"arn:aws:iam::{place.account}:root"
    role = f"arn:aws:iam::{place.account}:role/serverless-operator-prod"
    yield _service_role("operator", place, role, root, needs.operator(place), with_second_factor)

    place, secondary = place_of(synthesis, "Failover"), place_of(synthesis, "SecondaryRegional")
    outputs = synthesis.templates["SecondaryRegional"]["Outputs"]
    role = Resolver.of(synthesis, "SecondaryRegional").text(outputs["ReplicationRoleArn"]["Value"])
    rule, resolver = only(synthesis.templates["Failover"], "Custom::BucketReplication"), Resolver.of(synthesis, "Failover")
    batch, service = resolver.text(rule["BatchRole"]), "batchoperations.s3.amazonaws.com"
    yield _service_role("batch replication", place, batch, service, needs.batch_replication(secondary.bucket("ingest")))
    yield _function(world, place, "bucket-replication", needs.bucket_replication(place, secondary, role, batch))
    yield _function(world, place, "table-policy", needs.table_policy(place))


def place_of(synthesis: Synthesis, stack: str) -> Place:
    here = synthesis.stacks[stack]
    peer = next(region for region in synthesis.settings.regions if region != here.region)
    return Place(here.account, here.region, peer)


def sample(pattern: str) -> str:
    """Return an example ARN that one of our patterns matches."""
    return pattern.replace("??????", "AbCdEf").replace("*", "sample.csv")


def _function(world: World, place: Place, word: str, wanted: Iterable[Need]) -> Expectation:
    found = world.functions[f"serverless-{word}-prod", place.region]
    attached: tuple[Need, ...] = ()
    refused: tuple[Grant, ...] = ()
    if found.in_network:
        attached = (Need(needs.ATTACH_TO_NETWORK, ("*",), own=False),)
        by_itself = needs.condition("ArnEquals", "lambda:SourceFunctionArn", found.arn)
        refused = tuple(Grant("Deny", action, "*", by_itself) for action in needs.ATTACH_TO_NETWORK)
    return Expectation(
        who=f"{word} in {place.region}",
        role=found.role,
        trusts=("lambda.amazonaws.com", frozenset()),
        needs=(*needs.of_every_function(place, word), *attached, *wanted),
        refused=refused,
        endpoint=place.region if found.in_network else None,
    )


def _service_role(
    who: str, place: Place, role: str, service: str, wanted: Iterable[Need], conditions: Conditions = frozenset()
) -> Expectation:
    return Expectation(f"{who} in {place.region}", role, (service, conditions), tuple(wanted))


def _unknown_roles(world: World, expected: Iterable[Expectation]) -> Iterator[str]:
    known = {each.role for each in expected}
    for role in world.roles.keys() ^ known:
        yield f"the role {role} is in the templates or in the table, and not in both"


def _role(world: World, expected: Expectation) -> Iterator[str]:
    role = world.roles[expected.role]
    trust = {(who, each.effect, each.actions, each.conditions) for each in role.trust for who in each.principals}
    if trust != {(expected.trusts[0], "Allow", ("sts:AssumeRole",), expected.trusts[1])}:
        yield f"{expected.who}: who may take on the role is not {expected.trusts[0]} alone"

    wanted = {grant for need in expected.needs for grant in need.grants()} | set(expected.refused)
    found = {grant for statement in role.statements for grant in statement.grants()}
    yield from _compared(f"{expected.who}: its role", wanted, found)
    for grant in found:
        if grant.effect == "Allow" and grant.resource == "*" and grant.action not in needs.EVERYWHERE:
            yield f"{expected.who}: {grant.action} on * is not explained"


def _unmet_needs(world: World, expected: Expectation) -> Iterator[str]:
    for need in expected.needs:
        endpoint = expected.endpoint if need.own else None
        for grant in need.grants():
            request = Request(expected.role, grant.action, _subject(grant), _meeting(grant.conditions))
            yield from (f"{expected.who} needs what is refused: {why}" for why in world.refusals(request, endpoint=endpoint))
            for context in _missing(grant.conditions, besides={"kms:ResourceAliases"}):
                if not world.refusals(replace(request, context=context)):
                    yield f"{expected.who}: {grant.action} is allowed even with {dict(context)}"
    for grant in expected.refused:
        request = Request(expected.role, grant.action, "*", _meeting(grant.conditions))
        if not world.refusals(request):
            yield f"{expected.who}: {grant.action} is not refused to the function's own code"


def _subject(grant: Grant) -> str:
    """Return the ARN of a grant's resource; only a condition names a key of the other region, by its alias."""
    aliases = [values[0] for _, key, values in grant.conditions if key == "kms:ResourceAliases"]
    return (
        grant.resource.replace(":key/*", f":key/{aliases[0].removeprefix('alias/')}") if aliases else sample(grant.resource)
    )


def _endpoints(world: World, expected: Iterable[Expectation]) -> Iterator[str]:
    admitted: dict[tuple[str, str], set[Grant]] = {place: set() for place in world.endpoints}
    for each in expected:
        as_role = needs.condition("ArnEquals", "aws:PrincipalArn", each.role)
        for need in each.needs if each.endpoint else ():
            service = need.actions[0].partition(":")[0]
            if need.own:
                grants = {replaced._replace(conditions=replaced.conditions | as_role) for replaced in need.grants()}
                admitted.setdefault((service, str(each.endpoint)), set()).update(grants)
    for (service, region), wanted in admitted.items():
        policy = world.endpoints.get((service, region), [])
        found = {grant for statement in policy for grant in statement.grants()}
        yield from _compared(f"the {service} endpoint in {region}", wanted, found)


def _resource_policies(world: World, statements: Iterable[ResourceStatement]) -> Iterator[str]:
    wanted = {each for statement in statements for each in statement.one_by_one()}
    found = {
        (arn, each.effect, principal, grant.action, grant.resource, grant.conditions)
        for arn, held in world.resource_policies.items()
        for each in held
        for principal in each.principals
        for grant in each.grants()
    }
    yield from _compared("the policies on resources", wanted, found)


def _resource_statements(synthesis: Synthesis, world: World) -> Iterator[ResourceStatement]:
    home = synthesis.stacks["Data"].region
    for stack in REGIONAL:
        template, place = synthesis.templates[stack], place_of(synthesis, stack)
        (api,) = of_type(template, "AWS::ApiGatewayV2::Api")
        routes = tuple(
            route["RouteKey"].partition(" ")[2] for route in of_type(template, "AWS::ApiGatewayV2::Route").values()
        )
        issuer = world.functions["serverless-issuer-prod", place.region].role
        yield from services.of_a_region(place, Resolver.of(synthesis, stack).reference(api), routes, issuer)
        yield from services.of_keys(place, home)
        promotes_itself = synthesis.settings.auto_promote and place.region == synthesis.settings.secondary_region
        yield from services.of_tables(place, home=home, promotes_itself=promotes_itself)
    yield from services.of_data(place_of(synthesis, "Data"))


def _unmet_service(world: World, statement: ResourceStatement) -> Iterator[str]:
    """Send the service's requests: one that meets all conditions, and one that fails each condition."""
    if statement.effect == "Deny" or not statement.principal.endswith(".amazonaws.com"):
        return
    for action in statement.actions:
        resource = statement.on if statement.resources == ("*",) else sample(statement.resources[0])
        request = Request(statement.principal, action.replace("*", ""), resource, _meeting(statement.conditions))
        yield from world.refusals(request)
        for context in _missing(statement.conditions):
            if not world.refusals(replace(request, context=context)):
                yield f"{statement.principal} may {action} on {statement.on} even with {dict(context)}"


def _meeting(conditions: Conditions) -> Context:
    return {key: sample(values[0]) for operator, key, values in conditions if not operator.startswith("ForAnyValue")}


def _missing(conditions: Conditions, besides: Iterable[str] = ()) -> Iterator[Context]:
    met = _meeting(conditions)
    for key in met.keys() - set(besides):
        yield {**met, key: "arn:aws:s3:::of-somebody-else"}


def _compared(whose: str, wanted: Set[object], found: Set[object]) -> Iterator[str]:
    for each in sorted(map(str, wanted - found)):
        yield f"{whose} lacks {each}"
    for each in sorted(map(str, found - wanted)):
        yield f"{whose} has a permission that nothing needs: {each}"
