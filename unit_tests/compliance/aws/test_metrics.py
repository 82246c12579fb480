"""The metrics that the gate knows, compared with those of the CDK's own metric classes."""

import re
import tarfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from compliance.aws.metrics import AGENT_NAMESPACES, AWS_NAMESPACES, BY_METRIC, DIMENSIONS, METRICS

METHOD = re.compile(r'static (\w+)\([^)]*\)\{return\{namespace:"([^"]+)",metricName:"([^"]+)"')
SIGNATURE = re.compile(r"static (\w+)\(this: void, dimensions: \{([^}]*)\}")
Described = tuple[str, str, frozenset[str]]
OF_REST_APIS_ONLY = {("AWS/ApiGateway", f"{digit}XXError", frozenset({"ApiId", "Stage"})) for digit in "45"}
"""An HTTP API publishes 4xx and 5xx: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html"""


def described() -> Iterator[Described]:
    """Yield namespace, metric and dimensions of each method of the CDK, which is generated from AWS's documentation."""
    spec = find_spec("aws_cdk")
    assert spec is not None
    assert spec.origin is not None
    (package,) = Path(spec.origin).parent.glob("_jsii/*.tgz")
    texts: dict[str, str] = {}
    with tarfile.open(package) as archive:
        for entry in archive:
            if "-canned-metrics.generated." in entry.name and (file := archive.extractfile(entry)):
                texts[entry.name] = file.read().decode()
    for name in (each for each in texts if each.endswith(".js")):
        made = {method: (namespace, metric) for method, namespace, metric in METHOD.findall(texts[name])}
        for method, dimensions in SIGNATURE.findall(texts[name.removesuffix("js") + "d.ts"]):
            if method in made:
                yield (*made[method], frozenset(re.findall(r"(\w+):", dimensions)))


def test_every_metric_that_the_cdk_describes_is_known() -> None:
    found = set(described())
    assert len(found) > 500
    unknown = {
        (namespace, metric, *sorted(dimensions))
        for namespace, metric, dimensions in found - OF_REST_APIS_ONLY
        if (namespace.removeprefix("AWS/") not in AWS_NAMESPACES and namespace not in AGENT_NAMESPACES)
        or (namespace in METRICS and not METRICS[namespace].fullmatch(metric))
        or dimensions not in (BY_METRIC.get((namespace, metric)) or DIMENSIONS.get(namespace) or {dimensions})
    }
    assert not unknown
