"""The policies of all stacks together, and the calls that they allow."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from unit_tests.infra.iam.conditions import Context
from unit_tests.infra.iam.resolve import Resolver
from unit_tests.infra.iam.statements import Request, Statement, UnknownPolicyError, parse
from unit_tests.infra.synthesis import Synthesis

ENCRYPTION_CALLS = {
    "dynamodb:BatchGetItem": ("kms:Decrypt",),
    "dynamodb:BatchWriteItem": ("kms:Decrypt",),
    "dynamodb:GetItem": ("kms:Decrypt",),
    "dynamodb:PutItem": ("kms:Decrypt",),
    "dynamodb:Query": ("kms:Decrypt",),
    "dynamodb:UpdateItem": ("kms:Decrypt",),
    "s3:GetObject": ("kms:Decrypt",),
    "s3:GetObjectVersion": ("kms:Decrypt",),
    "s3:GetObjectVersionForReplication": ("kms:Decrypt",),
    "s3:PutObject": ("kms:Decrypt", "kms:GenerateDataKey"),
    "s3:ReplicateObject": ("kms:Encrypt",),
    "secretsmanager:GetSecretValue": ("kms:Decrypt",),
    "secretsmanager:PutSecretValue": ("kms:Decrypt", "kms:GenerateDataKey"),
    "sns:Publish": ("kms:Decrypt", "kms:GenerateDataKey"),
    "sqs:ReceiveMessage": ("kms:Decrypt",),
    "sqs:SendMessage": ("kms:Decrypt", "kms:GenerateDataKey"),
}
"""The calls to KMS that a service makes on the caller's behalf if one of the platform's keys encrypts the resource."""
REPLICA_CALLS = {
    "secretsmanager:PutSecretValue": ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"),
    "secretsmanager:UpdateSecretVersionStage": ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"),
}
"""The calls to KMS that the service makes on the key of each replica."""


@dataclass
class Role:
    """A role."""

    trust: list[Statement]
    statements: list[Statement] = field(default_factory=list)


@dataclass(frozen=True)
class FunctionPlace:
    """A function."""

    arn: str
    role: str
    in_network: bool


class World:
    """All roles, resource policies, key policies and endpoint policies of an environment.

    Args:
        synthesis: the environment's templates.
        like: the world of templates that differ from these only in the statements of policies. No intrinsic refers to a
            statement, so all other values are reused; resolving them takes most of the time.

    Attributes:
        roles: by ARN.
        functions: by name and region.
        resource_policies: policies of buckets, queues, topics, keys, functions and the secret, by the resource's ARN.
        endpoints: the policies of VPC endpoints, by service (`s3`, `sqs`) and region.
        parsed: policy documents and their statements, for the next world that is like this one.
        without_policy: the properties of resources without a policy, for the same purpose.
    """

    def __init__(self, synthesis: Synthesis, like: "World | None" = None) -> None:
        self._synthesis = synthesis
        # What was read, by the id of its JSON; the JSON is kept beside it, so that no other gets its id.
        self.parsed: dict[int, tuple[object, list[Statement]]] = {**like.parsed} if like else {}
        self.without_policy: dict[int, object] = {**like.without_policy} if like else {}
        self.roles: dict[str, Role] = {}
        self.functions: dict[tuple[str, str], FunctionPlace] = {}
        self.resource_policies: dict[str, list[Statement]] = defaultdict(list)
        self.endpoints: dict[tuple[str, str], list[Statement]] = {}
        self._keys: dict[str, str] = {}
        self._replicas: dict[str, list[str]] = {}
        self._aliases: dict[str, str] = {}
        self._attached: list[tuple[str, list[Statement]]] = []
        for stack in synthesis.templates:
            self._read(stack)
        for role, statements in self._attached:
            self.roles[role].statements.extend(statements)

    def refusals(self, request: Request, *, endpoint: str | None = None) -> list[str]:
        """Return the reasons why a call is refused; none if it is allowed.

        If one of our keys encrypts the resource, the service's call to KMS in the caller's name must be allowed too.
        """
        reasons = self._refusals(request)
        if endpoint:
            reasons += self._refused_by_endpoint(request, endpoint)
        key = self._key_of(request.resource)
        for action in ENCRYPTION_CALLS.get(request.action, ()) if key else ():
            call = Request(request.principal, action, key or "", request.context)
            reasons += [f"{each}, for {request.action} on {request.resource}" for each in self._refusals(call)]
        for replica in self._replicas.get(request.resource, ()) if request.action in REPLICA_CALLS else ():
            for action in REPLICA_CALLS[request.action]:
                call = Request(request.principal, action, self._keys[replica], request.context)
                reasons += [f"{each}, for {request.action} on its replica {replica}" for each in self._refusals(call)]
        return reasons

    def denials(self, request: Request) -> list[Statement]:
        """Return the statements that deny a call, even if others allow it."""
        own = self.roles[request.principal].statements if request.principal in self.roles else []
        context, theirs = self._context(request), self._policies_on(request.resource)
        return [each for each in (*own, *theirs) if each.effect == "Deny" and each.speaks_of(request, context)]

    def _refusals(self, request: Request) -> list[str]:
        context = self._context(request)
        call = f"{request.principal}: {request.action} on {request.resource}"
        own = self.roles[request.principal].statements if request.principal in self.roles else []
        theirs = self._policies_on(request.resource)
        if self.denials(request):
            return [f"{call}: denied"]
        by_role = any(each.speaks_of(request, context) for each in own)
        by_resource = any(each.speaks_of(request, context) for each in theirs)
        if request.principal not in self.roles:
            return [] if by_resource else [f"{call}: the resource's policy does not allow it"]
        if not by_role:
            return [f"{call}: the role does not allow it"]
        # A key's policy must agree, be it by leaving it to the account's policies.
        if request.action.startswith("kms:") and not by_resource:
            return [f"{call}: the key's policy does not allow it"]
        return []

    def _refused_by_endpoint(self, request: Request, region: str) -> list[str]:
        service = request.action.partition(":")[0]
        context = self._context(request)
        policy = self.endpoints.get((service, region))
        call = f"{request.principal}: {request.action} on {request.resource}"
        if policy is None:
            return [f"{call}: there is no {service} endpoint in {region}"]
        spoken = {each.effect for each in policy if each.speaks_of(request, context)}
        return [] if spoken == {"Allow"} else [f"{call}: the {service} endpoint's policy in {region} does not allow it"]

    def _context(self, request: Request) -> Context:
        usual: dict[str, str | tuple[str, ...]] = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
        if request.principal in self.roles:
            usual["aws:PrincipalArn"] = request.principal
            usual["aws:PrincipalAccount"] = request.principal.split(":")[4]
            usual["aws:PrincipalIsAWSService"] = "false"
        else:
            usual["aws:PrincipalIsAWSService"] = "true"
        if request.resource in self._aliases:
            usual["kms:ResourceAliases"] = (f"alias/{self._aliases[request.resource]}",)
        return {**usual, **request.context}

    def _policies_on(self, arn: str) -> list[Statement]:
        if arn.startswith("arn:aws:s3:::"):
            return self.resource_policies.get(arn.partition("/")[0], [])
        return self.resource_policies.get(arn.partition("/index/")[0], [])

    def _key_of(self, arn: str) -> str | None:
        if arn.startswith("arn:aws:s3:::"):
            return self._keys.get(arn.partition("/")[0])
        return self._keys.get(arn.partition("/index/")[0])

    def _read(self, stack: str) -> None:
        resolver = Resolver.of(self._synthesis, stack)
        resources = self._synthesis.templates[stack]["Resources"]
        for logical_id, resource in resources.items():
            reader, properties = self._READERS.get(resource["Type"]), resource.get("Properties", {})
            if reader:
                reader(self, resolver, logical_id, properties)
            elif id(properties) not in self.without_policy:
                if '"Statement"' in json.dumps(properties):
                    raise UnknownPolicyError(f"{stack}.{logical_id} has a policy, and nobody reads a {resource['Type']}'s")
                self.without_policy[id(properties)] = properties

    def _parse(self, resolver: Resolver, document: dict[str, Any]) -> list[Statement]:
        """Resolve and read a policy document; reuse the result of the `like` world if it read the same document."""
        if id(document) not in self.parsed:
            self.parsed[id(document)] = document, parse(resolver.value(document))
        return self.parsed[id(document)][1]

    def _role(self, resolver: Resolver, logical_id: str, properties: dict[str, Any]) -> None:
        arn = resolver.attribute(logical_id, "Arn")
        self.roles[arn] = Role(self._parse(resolver, properties["AssumeRolePolicyDocument"]))
        for policy in properties.get("Policies", []):
            self._attached.append((arn, self._parse(resolver, policy["PolicyDocument"])))
        if properties.get("ManagedPolicyArns"):
            raise UnknownPolicyError(f"{arn} has policies of AWS's own, whose text is not in any template")

    def _policy(self, resolver: Resolver, _: str, properties: dict[str, Any]) -> None:
        statements = self._parse(resolver, properties["PolicyDocument"])
        for role in properties["Roles"]:
            self._attached.append((resolver.attribute(role["Ref"], "Arn"), statements))

    def _function(self, resolver: Resolver, logical_id: str, properties: dict[str, Any]) -> None:
        arn = resolver.attribute(logical_id, "Arn")
        self.functions[properties["FunctionName"], arn.split(":")[3]] = FunctionPlace(
            arn, resolver.text(properties["Role"]), in_network="VpcConfig" in properties
        )

    def _permission(self, resolver: Resolver, _: str, properties: dict[str, Any]) -> None:
        conditions = {
            key: {name: resolver.text(properties[prop])}
            for prop, key, name in (
                ("SourceArn", "ArnLike", "aws:SourceArn"),
                ("SourceAccount", "StringEquals", "aws:SourceAccount"),
            )
            if prop in properties
        }
        function = resolver.text(properties["FunctionName"])
        self.resource_policies[function] += parse(
            {
                "Statement": {
                    "Effect": "Allow",
                    "Action": properties["Action"],
                    "Resource": function,
                    "Principal": {"Service": properties["Principal"]},
                    "Condition": conditions,
                }
            }
        )

    def _bucket(self, resolver: Resolver, logical_id: str, properties: dict[str, Any]) -> None:
        (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        if key := rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID"):
            self._keys[resolver.attribute(logical_id, "Arn")] = resolver.text(key)

    def _bucket_policy(self, resolver: Resolver, _: str, properties: dict[str, Any]) -> None:
        bucket = f"arn:aws:s3:::{resolver.text(properties['Bucket'])}"
        self.resource_policies[bucket] += self._parse(resolver, properties["PolicyDocument"])

    def _queue(self, resolver: Resolver, logical_id: str, properties: dict[str, Any]) -> None:
        self._keys[resolver.attribute(logical_id, "Arn")] = resolver.text(properties["KmsMasterKeyId"])

    def _queue_policy(self, resolver: Resolver, _: str, properties: dict[str, Any]) -> None:
        for queue in properties["Queues"]:
            arn = resolver.attribute(queue["Ref"], "Arn")
            self.resource_policies[arn] += self._parse(resolver, properties["PolicyDocument"])

    def _topic(self, resolver: Resolver, logical_id: str, properties: dict[str, Any]) -> None:
        self._keys[resolver.reference(logical_id)] = resolver.text(properties["KmsMasterKeyId"])

    def _topic_policy(self, resolver: Resolver, _: str, properties: dict[str, Any]) -> None:
        for topic in properties["Topics"]:
            self.resource_policies[resolver.text(topic)] += self._parse(resolver, properties["PolicyDocument"])

    def _key(self, resolver: Resolver, logical_id: str, properties: dict[str, Any]) -> None:
        arn = resolver.attribute(logical_id, "Arn")
        self.resource_policies[arn] += self._parse(resolver, properties["KeyPolicy"])
        self._aliases[arn] = arn.rpartition("/")[2]

    def _secret(self, resolver: Resolver, logical_id: str, properties: dict[str, Any]) -> None:
        arn = resolver.reference(logical_id)
        home = arn.split(":")[3]
        self._keys[arn] = resolver.text(properties["KmsKeyId"])
        self._replicas[arn] = [arn.replace(home, replica["Region"]) for replica in properties["ReplicaRegions"]]
        for replica in properties["ReplicaRegions"]:
            self._keys[arn.replace(home, replica["Region"])] = _key_behind(resolver.text(replica["KmsKeyId"]))

    def _secret_policy(self, resolver: Resolver, _: str, properties: dict[str, Any]) -> None:
        arn = resolver.text(properties["SecretId"])
        # Replicas have the policy of the secret that they are made from.
        for region in self._synthesis.settings.regions:
            replica = arn.replace(arn.split(":")[3], region)
            self.resource_policies[replica] += self._parse(resolver, properties["ResourcePolicy"])

    def _table(self, resolver: Resolver, _: str, properties: dict[str, Any]) -> None:
        account = resolver.text({"Ref": "AWS::AccountId"})
        for replica in properties["Replicas"]:
            arn = f"arn:aws:dynamodb:{replica['Region']}:{account}:table/{properties['TableName']}"
            self._keys[arn] = _key_behind(resolver.text(replica["SSESpecification"]["KMSMasterKeyId"]))
            if policy := replica.get("ResourcePolicy"):
                self.resource_policies[arn] += self._parse(resolver, policy["PolicyDocument"])

    def _table_policy(self, resolver: Resolver, _: str, properties: dict[str, Any]) -> None:
        arn = resolver.text(properties["TableArn"])
        self.resource_policies[arn] += self._parse(resolver, properties["Policy"])

    def _endpoint(self, resolver: Resolver, _: str, properties: dict[str, Any]) -> None:
        service = resolver.text(properties["ServiceName"]).rpartition(".")[2]
        region = resolver.text({"Ref": "AWS::Region"})
        self.endpoints[service, region] = self._parse(resolver, properties["PolicyDocument"])

    _READERS = {  # noqa: RUF012 - a table of methods, not a field
        "AWS::DynamoDB::GlobalTable": _table,
        "AWS::EC2::VPCEndpoint": _endpoint,
        "AWS::IAM::ManagedPolicy": _policy,
        "AWS::IAM::Policy": _policy,
        "AWS::IAM::Role": _role,
        "AWS::KMS::Key": _key,
        "AWS::Lambda::Function": _function,
        "AWS::Lambda::Permission": _permission,
        "AWS::S3::Bucket": _bucket,
        "AWS::S3::BucketPolicy": _bucket_policy,
        "AWS::SNS::Topic": _topic,
        "AWS::SNS::TopicPolicy": _topic_policy,
        "AWS::SQS::Queue": _queue,
        "AWS::SQS::QueuePolicy": _queue_policy,
        "AWS::SecretsManager::ResourcePolicy": _secret_policy,
        "AWS::SecretsManager::Secret": _secret,
        "Custom::TablePolicy": _table_policy,
    }


def _key_behind(arn: str) -> str:
    """Return the ARN of an alias' key, in the resolver's form."""
    return arn.replace(":alias/", ":key/")
