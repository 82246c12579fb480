"""A custom domain for the front door; each region creates its own part of it.

Each region serves two names: `<region>.<domain>`, which is always that region, and `<domain>`, whose failover record
selects the region to use. A SigV4 signature is valid for one region: a client that signs asks `<domain>` for the active
region and then calls `<region>.<domain>`.
"""

from collections.abc import Mapping
from typing import Final

from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_certificatemanager as certificates
from aws_cdk import aws_route53 as route53
from constructs import Construct

from infra.constructs.failover import primary_check, ready_check
from infra.region import RegionContext, RegionRole
from infra.settings import DomainSettings

_TLS: Final = "TLS_1_2"


class CustomDomain(Construct):
    """One region's part of the domain.

    Attributes:
        host: the region's own name, `<region>.<domain>`.
        shared_host: the name that both regions serve.
        health_check: health check of the region's failover record.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: RegionContext,
        domain: DomainSettings,
        stage: apigateway.HttpStage,
        alarm_digests: Mapping[str, str],
    ) -> None:
        """Create this region's part.

        Args:
            scope: the parent.
            construct_id: the id under it.
            context: the region.
            domain: the domain and its hosted zone.
            stage: stage of the region's API.
            alarm_digests: what `copied_digests` returns for the secondary's alarms; the primary's check needs them.
        """
        super().__init__(scope, construct_id)
        self._context = context
        self._alarm_digests = alarm_digests
        self._zone_id = domain.hosted_zone_id
        self.shared_host = domain.name
        self.host = f"{context.region}.{domain.name}"
        certificate = self._certificate()
        own = self._domain_name("Own", self.host, certificate, stage)
        shared = self._domain_name("Shared", self.shared_host, certificate, stage)
        own_record = self._alias("OwnRecord", self.host, own)
        self.health_check = self._health_check(own_record)
        self._failover(shared)

    def _health_check(self, own_record: route53.CfnRecordSet) -> route53.CfnHealthCheck:
        ready = ready_check(self, "Ready", context=self._context, host=self.host)
        # Checked before it resolves, the name would be found unhealthy at once.
        ready.node.add_dependency(own_record)
        if self._context.role is RegionRole.SECONDARY:
            return ready
        return primary_check(self, "PrimaryHealthy", context=self._context, ready=ready, alarm_digests=self._alarm_digests)

    def _certificate(self) -> certificates.CfnCertificate:
        return certificates.CfnCertificate(
            self,
            "Certificate",
            # The shorter one first: ACM allows the first name 64 characters and the others 253.
            domain_name=self.shared_host,
            subject_alternative_names=[self.host],
            validation_method="DNS",
            domain_validation_options=[
                certificates.CfnCertificate.DomainValidationOptionProperty(domain_name=name, hosted_zone_id=self._zone_id)
                for name in (self.shared_host, self.host)
            ],
        )

    def _domain_name(
        self,
        construct_id: str,
        name: str,
        certificate: certificates.CfnCertificate,
        stage: apigateway.HttpStage,
    ) -> apigateway.CfnDomainName:
        domain_name = apigateway.CfnDomainName(
            self,
            construct_id,
            domain_name=name,
            domain_name_configurations=[
                apigateway.CfnDomainName.DomainNameConfigurationProperty(
                    certificate_arn=certificate.ref, endpoint_type="REGIONAL", security_policy=_TLS
                )
            ],
        )
        mapping = apigateway.CfnApiMapping(
            self,
            f"{construct_id}Mapping",
            api_id=stage.api.api_id,
            domain_name=domain_name.ref,
            stage=stage.stage_name,
        )
        mapping.node.add_dependency(stage)
        return domain_name

    def _alias(self, construct_id: str, name: str, target: apigateway.CfnDomainName) -> route53.CfnRecordSet:
        return route53.CfnRecordSet(
            self,
            construct_id,
            hosted_zone_id=self._zone_id,
            name=f"{name}.",
            type="A",
            alias_target=_target(target),
        )

    def _failover(self, target: apigateway.CfnDomainName) -> None:
        role = self._context.role
        route53.CfnRecordSet(
            self,
            "FailoverRecord",
            hosted_zone_id=self._zone_id,
            name=f"{self.shared_host}.",
            type="A",
            set_identifier=role,
            failover=role.upper(),
            # API Gateway's own health says only that the service is there; `/ready` says that we are.
            alias_target=_target(target),
            health_check_id=self.health_check.attr_health_check_id,
        )


def _target(domain_name: apigateway.CfnDomainName) -> route53.CfnRecordSet.AliasTargetProperty:
    return route53.CfnRecordSet.AliasTargetProperty(
        dns_name=domain_name.attr_regional_domain_name,
        hosted_zone_id=domain_name.attr_regional_hosted_zone_id,
        evaluate_target_health=False,
    )
