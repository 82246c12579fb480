"""The rules about functions and their code."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask
from unit_tests.compliance.rules.builders import (
    EAST,
    WEST,
    alone,
    bucket,
    dead_letter_queue,
    function,
    key_arn,
    mapping,
    pair,
    pipeline,
    role,
    table,
)
from unit_tests.compliance.rules.corruptions import (
    ABSENT,
    UNKNOWN,
    Resource,
    Value,
    changed,
    each,
    either,
    lacking,
    resource,
    unknown,
    without,
)
from unit_tests.compliance.rules.failover import alarm
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, on, reports, rule_test, verdict_in

ASSETS = "cdk-hnb659fds-assets-000000000000-us-east-1"
QUEUE = resource("SQS::Queue", KmsMasterKeyId=key_arn("us-east-1"))


def coded(name: Value, **more: Value) -> dict[str, Value]:
    return {"S3Bucket": name, "S3Key": "a.zip", **more}


test_code = rule_test(
    "ActivePassive-LambdaCode",
    lambda code: {
        "It": function() if code is None else changed(function(), "Code", to=code),
        "Bucket": bucket("code"),
        "Queue": QUEUE,
        "Other": QUEUE,
    },
    region=EAST,
    passes=[
        *map(coded, (ASSETS, {"Ref": "Bucket"}, "serverless-code-prod", either(ASSETS, {"Ref": "Bucket"}))),
        coded({"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"}),
    ],
    fails=[
        *(None, coded(either(ASSETS, "somebody-elses-bucket"))),
        reports("comes from the bucket 'somebody-elses-bucket'", coded("somebody-elses-bucket")),
        *(coded(f"cdk-hnb659fds-assets-{of}") for of in ("999999999999-us-east-1", "000000000000-us-west-2")),
    ],
    unresolved=[UNKNOWN, {"S3Bucket": UNKNOWN}, {"S3Bucket": {"Fn::Sub": "code-${AParameter}"}}],
    ignored=[{"ZipFile": "pass"}, {"ImageUri": "a"}],
)

URL = resource("Lambda::Url", AuthType="AWS_IAM", TargetFunctionArn={"Fn::GetAtt": ["Function", "Arn"]})


def invoked_by(principal: Value, target: Value = None) -> Value:
    """Return a function with a URL and a permission, for the function or another target."""
    target = target or {"Ref": "Function"}
    grant = resource("Lambda::Permission", FunctionName=target, Principal=principal)
    return alone({"It": URL, "Function": function(), "Other": function("other"), "Grant": grant})


test_second_door = rule_test(
    "ActivePassive-LambdaSecondDoor",
    passes=[URL, invoked_by("s3.amazonaws.com"), invoked_by("apigateway.amazonaws.com", {"Ref": "Other"})],
    fails=[
        *map(invoked_by, ("apigateway.amazonaws.com", either("s3.amazonaws.com", "apigateway.amazonaws.com"))),
        invoked_by("apigateway.amazonaws.com", "serverless-processor-prod"),
    ],
    unresolved=[without(URL, "TargetFunctionArn"), invoked_by(UNKNOWN)],
    ignored=[function()],
)


def loading(name: str, value: Value, **more: Value) -> Resource:
    """Return a function with a variable, and other properties."""
    it = changed(function(), "Environment", to={"Variables": {name: value}})
    return {**it, "Properties": {**it["Properties"], **more}}


def inline(text: Value, handler: str = "index.handler", runtime: str = "python3.14") -> Resource:
    it = changed(changed(function(), "Code", to={"ZipFile": text}), "Handler", to=handler)
    return changed(it, "Runtime", to=runtime)


WRITABLE = "/tmp"  # noqa: S108 - what a function can write, and a request with it
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
LAYERED = {"Layers": [{"Ref": "Layer"}]}

test_loaded = rule_test(
    "ActivePassive-LambdaLoaded",
    passes=[
        function(),
        *(loading("PYTHONPATH", path) for path in ("/var/task/vendored:/opt/python", "lib", "", "/var/lang/lib")),
        loading("PYTHONPATH", "/mnt/models", FileSystemConfigs=[{"Arn": "a", "LocalMountPath": "/mnt/models"}]),
        loading("NODE_OPTIONS", "--enable-source-maps --require ./tracing.js --report-directory=/tmp"),
        loading("JAVA_TOOL_OPTIONS", "-Djava.io.tmpdir=/tmp -XX:HeapDumpPath=/tmp -javaagent:/opt/agent.jar"),
        loading(WRAPPER, "/opt/otel-handler", **LAYERED),
        loading(WRAPPER, "/opt/otel-handler", PackageType="Image"),
        *(loading(WRAPPER, "/var/task/run.sh"), loading("HOME", WRITABLE), loading("PYTHONHTTPSVERIFY", "1")),
        *(inline("def handler(event, context): pass"), inline("from library import *"), inline("", runtime="java21")),
        inline("exports.handler = async () => {}", runtime="nodejs24.x"),
        inline({"Fn::Sub": "def handler(e, c): return '${AWS::Region}'"}),
        inline("anything", "library.handler") | {"Properties": inline("", "library.handler")["Properties"] | LAYERED},
    ],
    fails=[
        *(
            loading("PYTHONPATH", path)
            for path in (WRITABLE, f"/var/task:{WRITABLE}/lib", "/var/task/../../tmp", "/var/tasks")
        ),
        *(
            loading("NODE_OPTIONS", f"--import {it}")
            for it in (f"{WRITABLE}/a.mjs", "data:text/javascript,a()", "file:///tmp/a.mjs")
        ),
        *(
            loading("JAVA_TOOL_OPTIONS", f"-javaagent:{WRITABLE}/a.jar"),
            loading("LD_PRELOAD", f"{WRITABLE}/a.so", **LAYERED),
        ),
        reports("AWS_LAMBDA_EXEC_WRAPPER names /opt/run, where the function has no layer", loading(WRAPPER, "/opt/run")),
        *(loading("NODE_TLS_REJECT_UNAUTHORIZED", 0), loading("PYTHONHTTPSVERIFY", either("1", "0"))),
        reports("CloudFormation names inline code index", inline("def handler(e, c): pass", "main.handler")),
        *(inline("import os"), inline("exports.main = 1", runtime="nodejs24.x"), inline("def main(): pass", "index")),
    ],
    unresolved=[loading("PYTHONPATH", UNKNOWN), loading("LD_PRELOAD", {"Fn::Sub": "/opt/${Name}"})],
    ignored=[resource("SQS::Queue", Environment={"Variables": {"PYTHONPATH": WRITABLE}})],
)


HANDLER = "def handler(): ..."
CODE = {"pkg/__init__.py": "", "pkg/main.py": HANDLER, "pkg/peer_one.py": HANDLER, "peer/main.py": HANDLER, "run.sh": ""}
LAYER = {"python/agent.py": "def handler(): ...", "wrapper": ""}


@pytest.fixture
def assets(tmp_path: Path) -> dict[tuple[str, str], Path]:
    """Return code and a layer of an assembly, as folders and as archives."""
    found = {}
    for folder, files in {"code": CODE, "layer": LAYER}.items():
        for name, text in files.items():
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).write_text(text)
        found[ASSETS, folder] = tmp_path / folder
        found[ASSETS, f"{folder}.zip"] = Path(shutil.make_archive(str(tmp_path / folder), "zip", tmp_path / folder))
    return found


Assets = dict[tuple[str, str], Path]
LAYERS = [{"Ref": "Layer"}, {"Ref": "Unknown"}]


@pytest.mark.parametrize("archived", ["", ".zip"])
@pytest.mark.parametrize(
    ("key", "handler", "wrapper", "layers", "expected"),
    [
        *(("code", handler, "run.sh", ABSENT, PASS) for handler in ("pkg.main.handler", "pkg/main.handler")),
        ("code", "pkg.main.handler", "/var/task/run.sh", ABSENT, PASS),
        ("code", "a.b", "run.sh", ["arn:aws:lambda:us-east-1:000000000000:layer:a:1"], PASS),  # what it holds is not known
        *(
            ("code", handler, "run.sh", ABSENT, FAIL)
            for handler in ("os.system", "pkg.main.other", "pkg.handler", "handler", "main.handler", "agent.handler")
        ),
        *(("code", "pkg.main.handler", wrapper, ABSENT, FAIL) for wrapper in ("/var/task/other.sh", "other.sh")),
        ("other", "pkg.main.handler", "run.sh", ABSENT, FAIL),
        *(("code", handler, "/opt/wrapper", LAYERS[:1], PASS) for handler in ("pkg.main.handler", "agent.handler")),
        *(
            ("code", "pkg.main.handler", wrapper, LAYERS[:1], FAIL)
            for wrapper in ("/opt/other", "/opt/run.sh", "/opt/a/../b")
        ),
        ("code", "other.handler", "/opt/wrapper", LAYERS[:1], FAIL),
        ("code", "other.handler", "/opt/other", LAYERS, PASS),
    ],
)
def test_handler_and_wrapper_are_files_of_the_assets(
    assets: Assets, archived: str, key: str, handler: str, wrapper: str, layers: Value, expected: Verdict
) -> None:
    code = {"S3Bucket": ASSETS, "S3Key": f"{key}{archived}"}
    it = loading(WRAPPER, wrapper, Handler=handler, Code=code, Layers=layers)
    layer = resource("Lambda::LayerVersion", Content={"S3Bucket": ASSETS, "S3Key": f"layer{archived}"})
    judged = replace(alone({"It": it, "Layer": layer}), assets=assets)
    assert verdict_in("ActivePassive-LambdaLoaded", "It", judged) is expected


@pytest.mark.parametrize("archived", ["", ".zip"])
@pytest.mark.parametrize(
    ("service", "expected"),
    [("main", PASS), ("pkg", PASS), ("accounts", PASS), ("", PASS), ("peer-one", FAIL), ("peer", FAIL)],
)
def test_handler_is_of_the_service_that_the_function_is(
    assets: Assets, archived: str, service: str, expected: Verdict
) -> None:
    code = {"S3Bucket": ASSETS, "S3Key": f"code{archived}"}
    it = loading("POWERTOOLS_SERVICE_NAME", service, Handler="pkg.main.handler", Code=code)
    judged = replace(alone({"It": it}), assets=assets)
    assert verdict_in("ActivePassive-LambdaLoaded", "It", judged) is expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [({"S3Key": "layer"}, PASS), ({"S3Key": "other"}, FAIL), ({"S3Key": "layer", "S3ObjectVersion": "1"}, FAIL)],
)
def test_layer_and_code_are_assets_of_the_assembly(assets: Assets, content: Resource, expected: Verdict) -> None:
    code = {"S3Bucket": ASSETS, "S3Key": "code"}
    it = changed(changed(function(), "Code", to=code), "Handler", to="pkg.main.handler")
    layer = resource("Lambda::LayerVersion", Content={"S3Bucket": ASSETS, **content})
    judged = replace(alone({"It": {**it, "Properties": {**it["Properties"], **LAYERED}}, "Layer": layer}), assets=assets)
    assert verdict_in("ActivePassive-LambdaLoaded", "It", judged) is expected


@pytest.mark.parametrize(("word", "expected"), [("Errors", PASS), ("Erors", FAIL)])
@pytest.mark.parametrize("text", ["NAME = 'Errors'", None])
def test_metrics_and_expiries_are_in_the_code(tmp_path: Path, text: str | None, word: str, expected: Verdict) -> None:
    (tmp_path / "main.py").write_text(text or "")
    variables = {"Variables": {"POWERTOOLS_METRICS_NAMESPACE": "Ours"}}
    code = {"S3Bucket": ASSETS, "S3Key": "code"}
    it = resource("Lambda::Function", Code=code, Runtime="python3.14", Handler="main.handler", Environment=variables)
    rows = changed(
        changed(table(), "TimeToLiveSpecification", to={"AttributeName": word, "Enabled": True}), "Replicas", to=[]
    )
    resources = {"It": it, "Table": rows, "Alarm": alarm(Namespace="Ours", MetricName=word, Dimensions=[])}
    judged = replace(alone(resources), assets={} if text is None else {(ASSETS, "code"): tmp_path})
    for rule, name in (("CloudWatchAlarmSubject", "Alarm"), ("DynamoDBExpiry", "Table")):
        assert verdict_in(f"ActivePassive-{rule}", name, judged) is (PASS if text is None else expected)


FUNCTION_ARN = {"Fn::GetAtt": ["Function", "Arn"]}
FOREIGN = "arn:aws:lambda:us-east-1:999999999999:function:make"
BY_NAME = "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:serverless-processor-prod"


def custom(*tokens: Value, **more: Value) -> list[dict[str, Resource]]:
    """Return a custom resource of either form for each service token, and a function."""
    return [
        {"It": {"Type": kind, "Properties": {"ServiceToken": token, **more}}, "Function": function()}
        for kind in ("Custom::Thing", "AWS::CloudFormation::CustomResource")
        for token in tokens
    ]


test_service_token = rule_test(
    "ActivePassive-LambdaServiceToken",
    lambda resources: resources,
    region=EAST,
    passes=[*custom(FUNCTION_ARN, {"Fn::Sub": BY_NAME}), *custom(FUNCTION_ARN, ServiceTimeout="300")],
    fails=[
        *custom(FOREIGN, FOREIGN.replace("9", "0"), either(FUNCTION_ARN, FOREIGN), None),
        *custom(FUNCTION_ARN, ServiceTimeout="299"),
    ],
    unresolved=custom(UNKNOWN, {"Fn::ImportValue": "provider"}),
)

REGIONS = "ActivePassive-LambdaRegions"


def both(east: Resource, west: Resource) -> list[Verdict]:
    return [row.verdict for row in ask(REGIONS, *pair(east, west))]


def test_setting_that_differs_between_the_regions_fails_on_both_sides() -> None:
    for name, value in {
        "Runtime": "python3.13",
        "MemorySize": 128,
        "Timeout": 3,
        "Architectures": ["x86_64"],
        "ReservedConcurrentExecutions": 2,
        "Handler": "other.handler",
        "EphemeralStorage": {"Size": 1024},
        "PackageType": "Image",
    }.items():
        assert both(function(), changed(function(), name, to=value)) == [FAIL, FAIL], name
    templates = pair(function(), changed(function(), "MemorySize", to=128))
    assert message_in(REGIONS, "It", *templates) == "MemorySize is 1769 here and 128 in us-west-2; it must be the same"
    assert FAIL in both(changed(function(), "Timeout", to=either(300, 60)), function())


def test_setting_that_is_the_same_in_both_regions_passes() -> None:
    depending = changed(function(), "MemorySize", to=either(256, 512))
    assert both(function(), function()) == both(depending, depending) == [PASS, PASS]
    assert both(changed(function(), "Timeout", to=3), without(function(), "Timeout")) == [PASS, PASS]
    assert ask(REGIONS, alone({"It": function()}, WEST)) == []


def test_parameter_may_be_another_value_in_each_region() -> None:
    unclear = changed(function(), "MemorySize", to=UNKNOWN)
    assert both(unclear, unclear) == both(unclear, function()) == [NOT_EVALUATED, NOT_EVALUATED]


BOUND = {"SHADOW_MAXIMUM_AGE_SECONDS": "345600", "MAXIMUM_RECEIVES": "5"}
OWN = {"Fn::GetAtt": ["Queue", "Arn"]}
SENDING = role("sqs:SendMessage", on=[OWN])
OTHERS = role("sqs:SendMessage", on="arn:aws:sqs:us-east-1:000000000000:serverless-ingest-dlq-prod")
DOCUMENT = SENDING["Policy"]["Properties"]["PolicyDocument"]
BARE, INLINE = SENDING["Role"], [{"PolicyName": "p", "PolicyDocument": DOCUMENT}]


def looping(loop: Value = "Allow", variables: Value = None) -> Resource:
    made = changed(function(), "Environment", to={"Variables": BOUND if variables is None else variables})
    return changed(made, "RecursiveLoop", to=loop)


def sending(it: Resource, rights: dict[str, Resource]) -> Value:
    """Return the pipeline with another function, whose role has these rights."""
    return alone({**pipeline(), **rights, "Function": it})


def by(policy: Resource) -> dict[str, Resource]:
    return {"Role": BARE, "Policy": policy}


def managed(*arns: Value) -> Resource:
    return changed(BARE, "ManagedPolicyArns", to=list(arns))


RIGHTS: tuple[dict[str, Resource], ...] = (
    {"Role": changed(BARE, "Policies", to=INLINE)},
    by({**SENDING["Policy"], "Type": "AWS::IAM::Policy"}),
    by(resource("IAM::RolePolicy", RoleName={"Ref": "Role"}, PolicyDocument=DOCUMENT)),
    {"Role": managed({"Ref": "Policy"}), "Policy": without(SENDING["Policy"], "Roles")},
    {"Role": managed("arn:aws:iam::aws:policy/AmazonSQSFullAccess")},
)
UNBOUND: tuple[dict[str, Value], ...] = (
    *({}, {"MAXIMUM_RECEIVES": "5"}, {"SHADOW_MAXIMUM_AGE_SECONDS": "0"}, {"MAXIMUM_MESSAGE": "5"}, {"PAGE_MAXIMUM": "5"}),
    {"SHADOW_MAXIMUM_AGE_SECONDS": either("345600", "0")},
)

test_recursion = rule_test(
    "ActivePassive-LambdaRecursion",
    lambda it: sending(it, SENDING),
    of="Function",
    passes=[
        *(looping(), looping(variables={"maxHops": 1000}), sending(looping("Terminate"), OTHERS)),
        *(sending(looping(), rights) for rights in RIGHTS),
    ],
    fails=[
        sending(looping(), OTHERS),  # only a loop may be allowed
        on("It", alone({"It": looping(), **SENDING})),  # no queue invokes it
        *map(looping, ("Terminate", ABSENT, either("Allow", "Terminate"))),
        *(reports("no environment variable bounds the loop", looping(variables=variables)) for variables in UNBOUND),
        without(looping(), "Environment"),
        *(sending(function(), role(action, on=arn)) for action, arn in (("sqs:*", OWN), ("*", "*"))),
        *(
            sending(function(), role("sqs:SendMessage", on=arn))
            for arn in (
                "arn:aws:sqs:us-east-1:000000000000:serverless-ingest-prod",
                {"Fn::Sub": "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:serverless-*"},
                either("arn:aws:sqs:us-east-1:000000000000:other", OWN),
            )
        ),
        *(sending(function(), rights) for rights in RIGHTS),
    ],
    unresolved=[
        *(looping(UNKNOWN), looping(variables={"MAXIMUM_HOPS": UNKNOWN})),
        sending(changed(function(), "Role", to="arn:aws:iam::000000000000:role/elsewhere"), {}),
        *(sending(function(), by(policy)) for policy in unknown(SENDING["Policy"], "PolicyDocument")),
    ],
    ignored=[
        *(sending(function(), OTHERS), sending(function(), {"Role": BARE})),
        on("It", alone({"It": function()})),
        *(sending(function(), by(it)) for it in each(SENDING["Policy"], "PolicyDocument.Statement.0.Effect", "Deny")),
        *(sending(function(), by(it)) for it in each(SENDING["Policy"], "Roles", [{"Ref": "Other"}])),
    ],
)

DEAD = {"Fn::GetAtt": ["Dead", "Arn"]}
IT = {"Fn::GetAtt": ["It", "Arn"]}
PERMISSION = resource(
    "Lambda::Permission", Action="lambda:InvokeFunction", FunctionName=IT, Principal="secretsmanager.amazonaws.com"
)
CUSTOM: Resource = {"Type": "Custom::Thing", "Properties": {"ServiceToken": IT}}
ROTATION = resource("SecretsManager::RotationSchedule", SecretId="s", RotationLambdaARN=IT)
ON_FAILURE = {"OnFailure": {"Destination": DEAD}}
CONFIG = resource("Lambda::EventInvokeConfig", FunctionName={"Ref": "It"}, Qualifier="$LATEST", DestinationConfig=ON_FAILURE)
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
TARGET = {"Id": "a", "Arn": "b", "DeadLetterConfig": {"Arn": DEAD}}
EDGES = {
    "RedrivePolicy.deadLetterTargetArn": resource(
        "SNS::Subscription", Protocol="sqs", RedrivePolicy={"deadLetterTargetArn": DEAD}
    ),
    "Targets.0.DeadLetterConfig.Arn": resource("Events::Rule", Targets=[TARGET]),
    "Target.DeadLetterConfig.Arn": resource("Scheduler::Schedule", Target={"Arn": "b", "DeadLetterConfig": {"Arn": DEAD}}),
    "DestinationConfig.OnFailure.Destination": resource(
        "Lambda::EventSourceMapping", EventSourceArn=STREAM, DestinationConfig=ON_FAILURE
    ),
}
INVOKERS = (PERMISSION, CUSTOM, ROTATION, changed(PERMISSION, "Principal", to="s3.amazonaws.com"))
UNKEPT = without(function(), "DeadLetterConfig")
MAIL = resource("SNS::Subscription", Protocol="email", Endpoint="a@b.example")
TOPIC = resource("SNS::Topic", Subscription=[{"Protocol": "sqs", "Endpoint": "q"}])


def kept(it: Resource, **others: Resource) -> Value:
    """Return a resource that invokes or is invoked, a dead-letter queue, and others."""
    return alone({"Dead": dead_letter_queue(), **others, "It": it})


def elsewhere(*others: Value) -> Value:
    """Return a function whose dead-letter queue is in another stack."""
    arn = "arn:aws:sqs:us-west-2:000000000000:serverless-ingest-dlq-prod"
    it = changed(function(), "DeadLetterConfig", "TargetArn", to=arn)
    return alone({"It": it, "By": CUSTOM}, "eu-west-1"), *others


def container(path: str) -> str:
    return path.rpartition(".")[0]


test_async_dead_letters = rule_test(
    "ActivePassive-LambdaAsyncDeadLetters",
    kept,
    passes=[
        *EDGES.values(),
        *(kept(function(), By=invoker) for invoker in INVOKERS),
        *(kept(UNKEPT, By=invoker, Config=CONFIG) for invoker in INVOKERS),
        elsewhere(alone({"Dead": dead_letter_queue()}, WEST)),
    ],
    fails=[
        *(it for path, edge in EDGES.items() for it in lacking(edge, f"{path} {container(path)}")),
        *(it for path, edge in EDGES.items() for it in each(edge, path, either(DEAD, ABSENT))),
        *(kept(UNKEPT, By=invoker) for invoker in INVOKERS),
        *(
            kept(UNKEPT, By=invoker, Config=it)
            for invoker in INVOKERS
            for it in lacking(CONFIG, "DestinationConfig.OnFailure")
        ),
        *each(MAIL, "Protocol", "lambda"),
        TOPIC,
    ],
    unresolved=[
        *(it for path, edge in EDGES.items() for it in unknown(edge, f"{path} {container(path)}")),
        *(it for path, edge in EDGES.items() for it in each(edge, path, "arn:aws:sqs:us-east-1:000000000000:elsewhere")),
        *(kept(it, By=invoker) for invoker in INVOKERS for it in unknown(function(), "DeadLetterConfig.TargetArn")),
        elsewhere(),
        *(*unknown(MAIL, "Protocol"), *unknown(TOPIC, "Subscription"), *unknown(mapping(), "EventSourceArn")),
    ],
    ignored=[
        *(kept(UNKEPT, By=it) for it in each(PERMISSION, "Principal", "apigateway.amazonaws.com")),  # which waits
        on("Function", alone({**pipeline(), "Function": UNKEPT})),
        on("Mapping", alone(pipeline())),
        *(MAIL, *each(TOPIC, "Subscription.0.Protocol", "email"), {"Type": "AWS::SNS::Topic"}),
    ],
)


def in_two_regions(it: Resource) -> Value:
    """Return the function beside a table with a replica in another region."""
    return alone({"It": it}, WEST), alone({"Table": table()}, EAST)


test_architecture = rule_test(
    "ActivePassive-LambdaArchitecture",
    in_two_regions,
    passes=[function()],
    fails=[
        *lacking(function(), "Architectures"),
        *each(function(), "Architectures", ["x86_64"], [], either(["arm64"], ["x86_64"])),
    ],
    unresolved=unknown(function(), "Architectures"),
    ignored=[alone({"It": without(function(), "Architectures")})],
)
