"""Properties that an integration, a domain name, its certificate and its mapping must have."""

from typing import Final

from compliance.aws.apis import HTTP_STAGE, REST_STAGE, is_web_socket
from compliance.cfn.reading import require_text
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.requirements import is_false_if_set, is_of_templates, one_of, require


def _invokes_a_function(integration: Resource, world: TemplateSet) -> bool:
    is_proxy = require_text(integration.properties.get("IntegrationType"), "IntegrationType") == "AWS_PROXY"
    to_a_service = not is_absent(integration.properties.get("IntegrationSubtype"))
    return is_proxy and not to_a_service and not is_web_socket(integration, world)


_KEY_ALGORITHMS: Final = ("RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1")

RULES: Final = (
    require(
        (HTTP_STAGE, REST_STAGE),
        "DefaultRouteSettings.DataTraceEnabled",
        is_false_if_set,
        also={"MethodSettings[*].DataTraceEnabled": is_false_if_set},
        id="trace",
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
        title="An API does not log whole requests and responses",
        why="The bodies, with what is confidential in them, are then in a log that more people read than the data.",
        fix="Leave out DataTraceEnabled; an access log says who called what.",
        controls=nist("AC-6", "AU-3", "SI-11") + hipaa("164.312(a)(1)") + pci("3.4"),
    ),
    require(
        "AWS::ApiGatewayV2::Integration",
        "PayloadFormatVersion",
        one_of("2.0"),
        applies=_invokes_a_function,
        id="payload",
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
        title="An HTTP API invokes functions with the payload format 2.0",
        why=(
            "Version 1.0 has the caller, the path, the cookies and the route in other places. A function that reads 2.0 "
            "answers each request with an error, in all regions alike, or takes another text for the caller."
        ),
        fix="Set PayloadFormatVersion to 2.0, and let the function read that version.",
        controls=nist("CM-6", "SI-10"),
    ),
    require(
        "AWS::ApiGatewayV2::DomainName",
        "DomainNameConfigurations[+].SecurityPolicy",
        one_of("TLS_1_2", if_absent="TLS_1_2"),
        id="domain_name",
        title="A domain name of an API accepts TLS 1.2 or newer only",
        why="Older versions of TLS can be broken by anyone between the client and the API.",
        fix="Set SecurityPolicy to TLS_1_2, or leave it out.",
        controls=nist("SC-8", "SC-8(1)", "SC-13") + hipaa("164.312(e)(1)") + pci("4.1"),
    ),
    require(
        "AWS::CertificateManager::Certificate",
        "CertificateTransparencyLoggingPreference",
        one_of("ENABLED", if_absent="ENABLED"),
        also={"ValidationMethod": one_of("DNS"), "KeyAlgorithm": one_of(*_KEY_ALGORITHMS, if_absent="RSA_2048")},
        id="certificate",
        title="A certificate is validated by DNS, has a strong key, and public logs record it",
        why=(
            "A certificate that is validated by email expires unless a person answers in time. Browsers reject one that no "
            "log of certificate transparency has, and its owner cannot see a forged one. A short key can be broken."
        ),
        fix="Set ValidationMethod to DNS; leave CertificateTransparencyLoggingPreference and KeyAlgorithm out.",
        controls=nist("CP-10", "SC-12", "SC-17") + hipaa("164.312(e)(1)"),
    ),
    require(
        "AWS::ApiGatewayV2::ApiMapping",
        "ApiId",
        is_of_templates,
        also={"DomainName": is_of_templates},
        id="mapping",
        title="A mapping joins a domain name to an API, both of these templates",
        why="Clients of a domain name that is mapped to another API send their credentials to an API that no rule checked.",
        fix="Refer to the AWS::ApiGatewayV2::Api and the AWS::ApiGatewayV2::DomainName of the templates.",
        controls=nist("AC-4", "SC-7") + hipaa("164.312(e)(1)") + pci("1.2.1"),
    ),
)
