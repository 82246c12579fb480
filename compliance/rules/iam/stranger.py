"""No setting names an account, organization, bucket, host, network or provider outside the templates and their account."""

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from compliance.aws.accounts import DELIVERS, LOAD_BALANCING, account_in
from compliance.aws.networks import PREFIX_LISTS, is_private
from compliance.cfn.arns import ACCOUNT, ARN_TYPES, names_of, regions_of, same
from compliance.cfn.caching import cached
from compliance.cfn.references import of_type, readable
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.texts import Text, texts_in
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import NOT_APPLICABLE, PASSED, Judgement, Rule, failed

_BUCKET: Final = "AWS::S3::Bucket"

_PROSE: Final = frozenset({"AlarmDescription", "Comment", "Description", "Tags", "DashboardBody", "UserData", "ZipFile"})
"""Properties whose texts no service follows, and code."""
_ORIGINS: Final = frozenset({"AllowedOrigins", "AllowOrigins", "AllowedHeaders", "CallbackURLs", "LogoutURLs"})
"""Properties that name who may call, which ActivePassive-S3CORSOrigins judges, or where a browser goes next."""
_BUCKET_NAMES: Final = frozenset({"DestinationBucketName", "S3BucketName", "S3Bucket", "LogBucket"})
_HASHES: Final = frozenset({"CodeSha256", "Sha256", "Hash", "ThumbprintList"})

_ACCOUNT: Final = re.compile(
    r"arn:[\w-]+:[\w-]+:[\w-]*:(\d{12}):"
    r"|(?<!\d)(\d{12})\.dkr\.ecr\."
    r"|//(?:sqs|queue)[\w.-]*/(\d{12})/"
)
_ALONE: Final = re.compile(r"\d{12}")
_QUANTITY: Final = re.compile(r"(?:Bytes|Capacity|Limit|Milliseconds|Seconds|Size|Threshold|Units)$")
"""Ends of the names of properties whose numbers count something."""
_OWN_ARN: Final = re.compile(
    r"arn:[\w-]+:(?:dynamodb|events|firehose|iam|kinesis|kms|lambda|logs|s3|secretsmanager|sns|sqs|ssm|states):[\w-]*"
    r":(?:\d{12}|\$\{AWS::AccountId\}):[\w/+=,.@:*-]+"
)
_QUEUE_URL: Final = re.compile(r"https://sqs\.([\w-]+)\.amazonaws\.com(?:\.cn)?/(\d{12}|\$\{AWS::AccountId\})/([\w-]+)")
_END: Final = re.compile(r"[:/]")
_IDENTITY: Final = re.compile(r"^arn:[\w-]+:iam::[^:]*:(?:role|user)/")
_OF_AWS: Final = re.compile(r":role/(?:aws-service-role/|cdk-)")
"""Roles that AWS, or the bootstrap of the CDK, made."""
_NAMED: Final = {
    "AWS::Events::EventBus": "Name",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::KinesisFirehose::DeliveryStream": "DeliveryStreamName",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
"""The property that names a resource, of types that are found by their name alone."""
_ORGANIZATION: Final = re.compile(r"(?<![\w-])(o-[a-z0-9]{10,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})(?![\w-])")
_NETWORK: Final = re.compile(
    r"(?<![\w-])((?:acl|ami|cgw|dopt|eigw|eni|fs|fsap|igw|lgw|nat|pcx|pl|rtb|sg|snap|subnet|tgw|tgw-attach|tgw-rtb|vgw|vol|vpc|vpce"
    r"|vpce-svc)-(?:[0-9a-f]{8}|[0-9a-f]{17}))(?![\w-])"
)
_S3: Final = re.compile(r"arn:[\w-]+:s3:::([^/:\s]+)")
_URL: Final = re.compile(r"(?:https?|wss?|tcp|tls|amqps?|mqtts?|ftps?)://(?:[^/\s@]*@)?([^/\s:?#]+)")
_SERVICE: Final = re.compile(
    r"(?:[\w-]+\.)?(?:[a-z0-9-]+\.)?(?:[a-z]{2}(?:-[a-z]+)+-\d)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)"
)
_OWNED: Final = re.compile(r"\.(?:execute-api|lambda-url|elb|s3|s3-website|cloudfront)[.-]|^[\w.-]+\.s3[.-]")
_NAMESPACES: Final = frozenset({"json-schema.org", "www.w3.org", "schemas.xmlsoap.org", "localhost", "127.0.0.1"})
"""Hosts in the names of schemas, and the machine itself: nothing is sent there."""
_VARIABLES: Final = frozenset({"Variables", "StageVariables"})
_CALLED: Final = re.compile(
    r"(BUCKET|FUNCTION|LOG_?GROUP|QUEUE|TABLE|TOPIC)(_?(ARN|NAME|URL))?$|(SECRET)_?(ARN|ID|NAME)$", re.IGNORECASE
)
"""Ends of the names of variables that hold the name of a resource."""
_BARE_NAME: Final = re.compile(r"[\w.-]+")
_BARE_HOST: Final = re.compile(
    r"(?:[a-z0-9-]+\.)+(?:app|biz|cc|cloud|cn|co|com|dev|eu|info|io|me|net|online|org|ru|site|uk|xyz)"
)
_HOSTS: Final = frozenset({"DNSName", "FullyQualifiedDomainName", "Host", "HostName", "IPAddress", "ResourceRecords"})
"""Properties that name a host or an address: where a record, a website or a health check leads."""
_RECORDS: Final = frozenset({"A", "AAAA", "CNAME", "HTTPS", "MX", "NS", "SRV", "SVCB"})
"""Types of records that lead to a host; others are texts that somebody reads."""
_VALIDATION: Final = (".acm-validations.aws", ".dkim.amazonses.com")
"""Hosts of AWS that answer nobody's requests: they prove who owns a domain."""
_WEBSITES: Final = re.compile(r"s3-website[.-][a-z0-9-]+\.amazonaws\.com")
"""Endpoints of S3: the record's own name is the bucket's, which another rule checks."""
_ADDRESS: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_DOMAINS: Final = {
    "AWS::ApiGateway::DomainName": "DomainName",
    "AWS::ApiGatewayV2::DomainName": "DomainName",
    "AWS::Route53::HostedZone": "Name",
    "AWS::Route53::RecordSet": "Name",
}
_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_ARN_REGION: Final = re.compile(r"arn:[\w-]+:([\w-]+):([a-z]{2}(?:-[a-z]+)+-\d):")
_HOST_REGION: Final = re.compile(r"[.-]([a-z]{2}(?:-[a-z]+)+-\d)\.(?:amazonaws\.com|api\.aws)")
_ONE_REGION: Final = frozenset({"acm", "wafv2"})
"""Services whose resources for CloudFront exist in us-east-1 alone."""
_CANONICAL: Final = re.compile(r"[0-9a-f]{64}")
_COGNITO: Final = "cognito-identity.amazonaws.com"


def judge(resource: Resource, world: TemplateSet) -> Judgement:
    """Read every text of the resource's properties, in every branch."""
    texts = [text for text in texts_in(_granted(resource.properties), resource.template) if _is_followed(text)]
    if not texts:
        return NOT_APPLICABLE
    found = dict.fromkeys(violation for text in texts for check in _CHECKS for violation in check(text, resource, world))
    return failed("; ".join(found)) if found else PASSED


def _granted(value: Json) -> Json:
    """Return the value without statements that deny, because the principals that they name get nothing."""
    if isinstance(value, Mapping):
        if value.get("Effect") == "Deny":
            return None
        if value.get("Action") in (DELIVERS, [DELIVERS]) and "Principal" in value:
            value = {**value, "Principal": _but_load_balancing(value["Principal"])}
        return {key: _granted(part) for key, part in value.items()}
    return [_granted(part) for part in value] if isinstance(value, list) else value


def _but_load_balancing(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {key: _but_load_balancing(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_but_load_balancing(part) for part in value]
    return None if isinstance(value, str) and account_in(value) in LOAD_BALANCING else value


def _is_followed(text: Text) -> bool:
    return not (_PROSE | _ORIGINS).intersection(text.place)


def _of_account(text: Text, _resource: Resource, world: TemplateSet) -> Iterator[str]:
    accounts = [next(filter(None, groups)) for groups in _ACCOUNT.findall(text.text)]
    if _ALONE.fullmatch(text.text) and not _QUANTITY.search(text.name):
        accounts.append(text.text)
    for account in accounts:
        if account != world.account:
            yield f"{text.where} names account {account}, which is not the account of these templates"


def _of_own_account(text: Text, _resource: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield what a setting names in the system's own account and no template declares: anybody there may make it."""
    # The resources that a policy names are a matter of how wide a permission is; a boundary grants nothing.
    if "PermissionsBoundary" in text.place or ("Statement" in text.place and "Principal" not in text.place):
        return
    if len(regions_of(world)) < 2:  # noqa: PLR2004
        return
    for arn in _OWN_ARN.findall(_QUEUE_URL.sub(r"arn:aws:sqs:\1:\2:\3", text.text)):
        if _IDENTITY.search(arn) and _VARIABLES.intersection(text.place):
            continue  # A function compares its caller with it; nothing is sent there.
        rest = arn.split(":", 5)[5].removesuffix(":*")
        kind, name = _END.split(rest, maxsplit=1) if _END.search(rest) else ("", rest)
        parts = {name, kind, *_END.split(name), name.removesuffix("-")}
        if name != "root" and parts.isdisjoint(_names(world)) and not _OF_AWS.search(arn):
            yield f"{text.where} names {arn}, which no template here declares"


@cached
def _names(world: TemplateSet) -> frozenset[str]:
    """Return the names of all resources; a table or a secret has its name in the region of each replica."""
    found = {name for kind, key in _NAMED.items() for each in of_type(world, kind) for name in _texts(each, key)}
    aliases = readable(names_of, (each for each in of_type(world, *ARN_TYPES) if "KMS" in each.type))
    others = readable(names_of, (each for each in of_type(world, *ARN_TYPES) if "KMS" not in each.type))
    return others | found | {_END.sub(" ", name).split()[-1] for name in aliases}


def _texts(resource: Resource, key: str) -> Iterator[str]:
    if isinstance(name := resource.properties.get(key), str):
        yield name


def _of_organization(text: Text, _resource: Resource, _world: TemplateSet) -> Iterator[str]:
    for organization in _ORGANIZATION.findall(text.text):
        yield f"{text.where} names organization {organization}; name accounts or roles, so that joining it grants nothing"


def _of_network(text: Text, resource: Resource, _world: TemplateSet) -> Iterator[str]:
    # CreateHostedZone refuses a VPC of another account:
    # https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-associate-vpcs-different-accounts.html
    if resource.type == "AWS::Route53::HostedZone" and text.name == "VPCId":
        return
    lists = PREFIX_LISTS.get(resource.template.region)
    for identifier in _NETWORK.findall(text.text):
        # Only the account knows AWS's lists in a region that the table lacks; the settings name them there.
        is_unknown = lists is None and identifier.startswith("pl-")
        if not is_unknown and identifier not in (lists or {}).values():
            yield f"{text.where} names {identifier}, which no template here declares; refer to a resource of the templates"


def _of_bucket(text: Text, _resource: Resource, world: TemplateSet) -> Iterator[str]:
    names = _S3.findall(text.text)
    if text.name in _BUCKET_NAMES and "://" not in text.text and not text.text.startswith("arn:"):
        names.append(text.text)
    for name in names:
        if not _is_ours(name, world):
            yield f"{text.where} names bucket {name}, which no template here declares; anybody may own the name"


def _is_ours(name: str, world: TemplateSet) -> bool:
    """Return whether a bucket is declared here, named by a reference, or of a namespace that only the account has."""
    if name.startswith("${") or "${AWS::AccountId}" in name or set(name) <= set("*?"):
        return True
    if "${" in name or (world.account and world.account in name):
        return True
    return any(fnmatchcase(known, name) for known in _buckets(world))


@cached
def _buckets(world: TemplateSet) -> frozenset[str]:
    return readable(names_of, of_type(world, _BUCKET))


def _of_host(text: Text, _resource: Resource, _world: TemplateSet) -> Iterator[str]:
    for host in _URL.findall(text.text):
        is_known = "$" in host or "{" in host or host in _NAMESPACES
        if not is_known and (_OWNED.search(host) or not _SERVICE.fullmatch(host)):
            yield f"{text.where} names host {host}, which no template here declares"


def _of_bare_host(text: Text, resource: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield a host or an address of the internet that is given without a scheme: to a function, a stage, or by a record."""
    is_target = text.name in _HOSTS and (text.name != "ResourceRecords" or _leads_to_host(resource))
    if not (is_target or _VARIABLES.intersection(text.place)) or "${" in text.text or "#{" in text.text:
        return
    host = text.text.split()[-1] if is_target and text.text.strip() else text.text.rpartition("@")[2].partition(":")[0]
    host = host.lower().rstrip(".")
    if _ADDRESS.fullmatch(host) or (is_target and ":" in host):
        if not is_private(host, text.where):
            yield f"{text.where} names {host}, an address on the internet"
        return
    if is_target:
        is_of_aws = host.endswith(_VALIDATION) or _WEBSITES.fullmatch(host) is not None
        if not is_of_aws and not any(f".{host}".endswith(f".{name}") for name in _domains(world)):
            yield f"{text.where} names host {host}, which no template here declares"
        return
    of_aws = host.endswith(".amazonaws.com") and not _OWNED.search(host)
    if _BARE_HOST.fullmatch(host) and not of_aws and not any(f".{host}".endswith(f".{name}") for name in _domains(world)):
        yield f"{text.where} names host {host}, which no template here declares"


def _of_bare_name(text: Text, _resource: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield a resource that a function is told of by its name alone, if no template declares one of that name."""
    called = _CALLED.search(text.name)
    is_name = _BARE_NAME.fullmatch(text.text.replace(ACCOUNT, ""))
    if not called or not is_name or not _VARIABLES.intersection(text.place):
        return
    word = (called[1] or called[4]).replace("_", "").lower()
    declared = [each for kind in ARN_TYPES if kind.lower().endswith(word) for each in of_type(world, kind)]
    # A bucket's name is anybody's. The others are of the own account, and templates of one region may not be all there are.
    if word != "bucket" and (len(regions_of(world)) < 2 or not declared):  # noqa: PLR2004
        return
    if not any(same(text.text, known) for known in (*_names(world), *_buckets(world))):
        yield f"{text.where} names the {word} {text.text}, which no template here declares"


def _leads_to_host(record: Resource) -> bool:
    """Return whether a record, or one of a group, leads to a host; so does a type that is known only at deployment."""
    sets = record.properties.get("RecordSets")
    kinds = [
        each.get("Type") for each in (sets if isinstance(sets, list) else [record.properties]) if isinstance(each, dict)
    ]
    return any(not isinstance(kind, str) or kind in _RECORDS for kind in kinds)


@cached
def _domains(world: TemplateSet) -> frozenset[str]:
    """Return the names of the templates' zones, records and domain names."""
    found = {name for kind, key in _DOMAINS.items() for each in of_type(world, kind) for name in _texts(each, key)}
    return frozenset(name.rstrip(".").lower() for name in found)


def _of_service_name(text: Text, _resource: Resource, _world: TemplateSet) -> Iterator[str]:
    if text.name == "ServiceName" and ".vpce." in text.text:
        yield f"{text.where} is {text.text}, an endpoint service of somebody's; name one of AWS's own services"


def _of_region(text: Text, _resource: Resource, world: TemplateSet) -> Iterator[str]:
    regions = regions_of(world)
    # Templates of one region do not say where the others are. A witness keeps what was written, and nobody can read it.
    if len(regions) < 2 or "GlobalTableWitnesses" in text.place:  # noqa: PLR2004
        return
    named = [(service, region) for service, region in _ARN_REGION.findall(text.text) if service not in _ONE_REGION]
    named += [("", region) for region in _HOST_REGION.findall(text.text)]
    if text.name.endswith("Region") and _REGION.fullmatch(text.text):
        named.append(("", text.text))
    for _, region in named:
        if region not in regions:
            yield f"{text.where} names region {region}; the system's regions are {', '.join(sorted(regions))}"


def _of_topic(text: Text, _resource: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield a topic that is named without an ARN; one by ARN is an own account's, or another's."""
    if text.name == "SnsTopicName" and not text.text.startswith(("arn:", "${")) and text.text not in _names(world):
        yield f"{text.where} names the topic {text.text}, which no template here declares"


def _of_principal(text: Text, resource: Resource, _world: TemplateSet) -> Iterator[str]:
    if text.name == "CanonicalUser" and "${" not in text.text:
        yield f"{text.where} names a canonical user, whose account nobody can read there; name a role's ARN"
    elif _CANONICAL.fullmatch(text.text) and not _HASHES.intersection(text.place) and "id" in text.name.lower():
        yield f"{text.where} is a canonical user's id; name a role's ARN"
    elif text.name == "Federated" and "${" not in text.text.replace("${AWS::AccountId}", "") and text.text != _COGNITO:
        yield f"{text.where} is {text.text}, a provider that no template here declares; declare it and refer to it"
    elif resource.type == "AWS::IAM::SAMLProvider" and text.name == "SamlMetadataDocument":
        yield "a SAML provider lets another organization say who its users are; each role must trust it by name"


_CHECKS: Final[tuple[Callable[[Text, Resource, TemplateSet], Iterator[str]], ...]] = (
    _of_account, _of_own_account, _of_organization, _of_network, _of_bucket, _of_host, _of_bare_host, _of_bare_name,
    _of_service_name, _of_region, _of_topic, _of_principal,
)  # fmt: skip


RULE = Rule(
    title="No setting names an account, organization, bucket, host, network or provider that the templates do not declare",
    why=(
        "Data leaves through settings as it does through policies: a log delivery, an inventory, a layer, a subscription, a "
        "key or a target elsewhere. The owner of what they name reads the data, or changes what runs."
    ),
    fix=(
        "Refer to a resource of the templates, or to one of their own account. For a partner, enter a decision in "
        "compliance/acknowledgements.toml that names the partner."
    ),
    judge=judge,
    controls=nist("AC-3", "AC-4", "CA-3", "SA-9", "SC-7")
    + hipaa("164.308(a)(3)(i)", "164.308(b)(1)", "164.312(e)(1)")
    + pci("1.2.1", "1.3.4", "7.1.1"),
)
