"""The policies that a template puts on its buckets, queues and topics."""

from collections.abc import Iterator
from typing import Final

from compliance.cfn.arns import arns_of, find, same
from compliance.cfn.policies import Statement, statements
from compliance.cfn.reading import branches, one_or_more
from compliance.cfn.references import is_there_with, named, of_type, partition, resource_of
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError

POLICIES: Final = {
    "AWS::S3::Bucket": {"AWS::S3::BucketPolicy": "Bucket"},
    "AWS::SNS::Topic": {"AWS::SNS::TopicPolicy": "Topics", "AWS::SNS::TopicInlinePolicy": "TopicArn"},
    "AWS::SQS::Queue": {"AWS::SQS::QueuePolicy": "Queues", "AWS::SQS::QueueInlinePolicy": "Queue"},
}
"""The types that carry a resource policy as a resource of its own, with the policy's types and the property that aims it."""


def policies_of(resource: Resource, world: TemplateSet) -> Iterator[tuple[Resource, tuple[Statement, ...]]]:
    """Yield each policy on a resource with its statements, once for each branch of the conditions in it.

    Raises:
        UnresolvedError: A policy that may be meant for it, or may be absent, or cannot be read.
    """
    kinds = POLICIES[resource.type]
    unclear: list[str] = []
    found = False
    for policy in of_type(world, *kinds, region=resource.template.region):
        aimed = kinds[policy.type]
        # The aim alone first: most policies are another resource's, and a whole policy takes long to go through.
        answers = [_is_aimed_at(aims, policy, resource, world) for aims in branches(policy.properties.get(aimed))]
        if True in answers:
            found = True
            if not is_there_with(policy, resource):
                raise UnresolvedError(f"its policy {policy.path} is there on a condition only")
            for properties in branches(policy.properties):
                if _is_aimed_at(properties.get(aimed), policy, resource, world):
                    yield policy, statements(properties.get("PolicyDocument"), policy.template)
        elif None in answers:
            unclear.append(policy.path)
    if not found and unclear:
        raise UnresolvedError(f"the template does not say whether {', '.join(unclear)} is its policy")


def policies_on(resource: Resource, world: TemplateSet) -> Iterator[Resource]:
    """Yield the policies that may be on a resource, without a word on what they say."""
    kinds = POLICIES[resource.type]
    for policy in of_type(world, *kinds, region=resource.template.region):
        if _is_aimed_at(policy.properties.get(kinds[policy.type]), policy, resource, world):
            yield policy


def _is_aimed_at(aims: Json, policy: Resource, resource: Resource, world: TemplateSet) -> bool | None:
    answers = [_means(aim, policy.template, resource, world) for aim in one_or_more(aims, "what the policy is for")]
    return True if True in answers else None if None in answers else False


def _means(aim: Json, template: Template, resource: Resource, world: TemplateSet) -> bool | None:
    target = named(aim, template, world) or find(aim, template, world, resource.type)
    if target is not None:
        return target.template is resource.template and target.logical_id == resource.logical_id
    return False if isinstance(aim, str) else None


def denies_plain_http(statement: Statement, action: str) -> bool:
    """Return whether a statement denies everyone an action without TLS, whatever else the request says."""
    tests = [(condition.operator.removesuffix("IfExists"), condition.key.lower()) for condition in statement.conditions]
    return (
        statement.denies
        and statement.is_about_everyone
        and statement.covers_action(action)
        and tests == [("Bool", "aws:securetransport")]
        and "false" in [value.lower() for value in statement.conditions[0].values]
    )


def covers_resource(pattern: str, resource: Resource, template: Template, *, contents: bool = False) -> bool:
    """Return whether a rendered pattern of ARNs surely covers a resource, or everything in it.

    Args:
        pattern: Of a statement.
        resource: A bucket, queue, topic, …
        template: The template that the statement is in.
        contents: Whether what is in it (a bucket's objects) is meant, and not the resource itself.

    Raises:
        UnresolvedError: The pattern is something that only a deployment knows.
    """
    service = {"AWS::S3::Bucket": "s3", "AWS::SNS::Topic": "sns", "AWS::SQS::Queue": "sqs"}[resource.type]
    if pattern in {"*", f"arn:*:{service}:::*", f"arn:{partition(resource.template.region)}:{service}:::*"}:
        return True
    endings = ("/*", "*") if contents else ("*", "")
    if any(pattern.endswith(end) and is_arn_of(pattern.removesuffix(end), resource, template) for end in endings):
        return True
    _refuse_unknown(pattern, template)
    return False


def is_arn_of(text: str, resource: Resource, template: Template) -> bool:
    """Return whether a rendered text is the resource's ARN, in whichever way its template or another writes it."""
    known = list(arns_of(resource))
    if template is resource.template:
        me = resource.logical_id
        known += [f"${{{me}.Arn}}", f"${{{me}.TopicArn}}"]
        if resource.type == "AWS::SNS::Topic":
            known.append(f"${{{me}}}")
        if resource.type == "AWS::S3::Bucket":
            known += [f"arn:{each}:s3:::${{{me}}}" for each in (partition(template.region), "${AWS::Partition}", "*")]
    return any(same(text, arn) for arn in known)


def _refuse_unknown(pattern: str, template: Template) -> None:
    """Another resource's ARN is another's; what is behind a parameter may be anything."""
    for part in pattern.split("${")[1:]:
        name = part.partition("}")[0].partition(".")[0]
        if not name.startswith("AWS::") and resource_of(template, name) is None:
            raise UnresolvedError(f"the template does not say what {pattern} will be")
