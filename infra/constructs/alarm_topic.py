"""The topic of a region's alarms: encrypted, TLS only, and only CloudWatch may publish to it."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.region import RegionContext


class AlarmTopic(Construct):
    """The topic of one region's alarms.

    Attributes:
        topic: the topic; its policy already admits the alarms.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: RegionContext,
        key: kms.IKey,
        dead_letter_queue: sqs.IQueue,
    ) -> None:
        """Create the topic.

        Args:
            scope: the parent.
            construct_id: the id under it.
            context: the region, and the e-mail address of the settings, if any.
            key: encrypts the messages; its policy must admit `cloudwatch.amazonaws.com`, or no alarm is delivered.
            dead_letter_queue: receives the messages that SNS cannot deliver by e-mail; its key's policy must admit
                `sns.amazonaws.com`.
        """
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(
            self,
            "Topic",
            topic_name=context.naming.topic("alarms"),
            display_name=f"Lockstep alarms, {context.settings.environment} in {context.region}",
            master_key=key,
            enforce_ssl=True,
        )
        self._admit_alarms(context)
        if address := context.settings.alarms_email:
            # CDK's EmailSubscription would make the address a part of the logical id.
            sns.Subscription(
                self,
                "Email",
                topic=self.topic,
                protocol=sns.SubscriptionProtocol.EMAIL,
                endpoint=address,
                dead_letter_queue=dead_letter_queue,
            )

    def _admit_alarms(self, context: RegionContext) -> None:
        """Let the alarms of this environment publish; a policy of its own replaces a topic's default policy."""
        stack = Stack.of(self)
        alarms = stack.format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name=context.naming.alarm("any").replace("-any-", "-*-"),
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AllowAlarms",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={
                    "ArnLike": {"aws:SourceArn": alarms},
                    "StringEquals": {"aws:SourceAccount": stack.account},
                },
            )
        )
