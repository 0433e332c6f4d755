"""A FIFO queue with its dead-letter queue, and the policy of the queue of events.

Only the named producers and Lakehook's own functions may send events.
"""

from collections.abc import Sequence
from typing import Any

from aws_cdk import ArnFormat, Aws, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs import acknowledge_rule, removal_policy
from infra.constructs.lambda_function import LambdaFunction
from infra.stage import Stage

RETENTION = Duration.days(14)
"""SQS's maximum. Longer waits are in the ledger."""

MAX_MESSAGE_BYTES = (1024 - 8) * 1024
"""SQS's limit less 8 KiB, so that a quarantined message fits with its reason."""

HIDDEN_FROM_OTHERS = Duration.minutes(3)
"""A dead letter that somebody polls in the console is hidden from others for as long."""

MAX_POLL = Duration.seconds(20)

TAKE_DEAD_LETTERS = ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage")


class QueueWithDeadLetters(Construct):
    """A queue and its dead-letter queue, with fixed names, which producers and operators use.

    The queue has no redrive policy: SQS's own move knows neither lanes nor reasons, and would let
    later messages overtake. A message leaves only when its function decides so, however often it
    was received. Production keeps both after the stack, with what waits in them.
    """

    def __init__(  # noqa: PLR0913  all settings of the queues
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        dead_letter_name: str,
        stage: Stage,
        visibility_seconds: int,
    ) -> None:
        super().__init__(scope, id_)
        name, dead_letter_name = (f"{stage.stack_name}-{each}" for each in (name, dead_letter_name))
        keep = removal_policy(retain=stage.retain_on_delete)
        self.dead_letters = _fifo(
            self,
            "DeadLetters",
            queue_name=dead_letter_name,
            visibility_timeout=HIDDEN_FROM_OTHERS,
            removal_policy=keep,
            redrive_allow_policy=self._only_from(_source_name(dead_letter_name)),
        )
        acknowledge_rule(
            self.dead_letters,
            "Serverless-SQSRedrivePolicy",
            "A dead-letter queue needs no other one",
        )
        self._offer_redrive(dead_letter_name)
        self.queue = _fifo(
            self,
            "Queue",
            queue_name=name,
            visibility_timeout=Duration.seconds(visibility_seconds),
            removal_policy=keep,
            max_message_size_bytes=MAX_MESSAGE_BYTES,
        )
        for rule in ("AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy"):
            acknowledge_rule(
                self.queue, rule, "Functions send dead letters themselves, with the reason"
            )

    def grant_send(self, worker: LambdaFunction) -> None:
        """Grant sending; the same permission covers batches."""
        worker.grant(["sqs:SendMessage"], on=self.queue.queue_arn)

    def grant_send_dead_letters(self, worker: LambdaFunction) -> None:
        worker.grant(["sqs:SendMessage"], on=self.dead_letters.queue_arn)

    def grant_take_dead_letters(self, worker: LambdaFunction, *more: str) -> None:
        worker.grant([*TAKE_DEAD_LETTERS, *more], on=self.dead_letters.queue_arn)

    def _offer_redrive(self, dead_letter_name: str) -> None:
        """Make SQS treat this as a dead-letter queue, so that the console offers its redrive.

        ``StartMessageMoveTask`` takes messages only from a queue that another one's redrive policy
        names. The other queue here never gets a message, so its policy never acts.
        """
        _fifo(
            self,
            "RedriveSource",
            queue_name=_source_name(dead_letter_name),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=1),
        )

    def _only_from(self, name: str) -> sqs.RedriveAllowPolicy:
        """Allow by name: the two queues refer to each other, and one reference must be static."""
        arn = Stack.of(self).format_arn(
            service="sqs", resource=f"{name}.fifo", arn_format=ArnFormat.NO_RESOURCE_NAME
        )
        return sqs.RedriveAllowPolicy(
            redrive_permission=sqs.RedrivePermission.BY_QUEUE,
            source_queues=[sqs.Queue.from_queue_arn(self, "Source", arn)],
        )


def _source_name(dead_letter_name: str) -> str:
    return f"{dead_letter_name}-source"


def _fifo(scope: Construct, id_: str, *, queue_name: str, **properties: Any) -> sqs.Queue:
    """Create a FIFO queue; high throughput needs both settings.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html
    """
    return sqs.Queue(
        scope,
        id_,
        queue_name=f"{queue_name}.fifo",
        fifo=True,
        deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP,
        fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
        retention_period=RETENTION,
        receive_message_wait_time=MAX_POLL,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        **properties,
    )


def restrict_senders(queue: sqs.Queue, stage: Stage, *, own_roles: Sequence[iam.IRole]) -> None:
    """Allow the producers of the stage to send, and deny it to everybody else.

    The denial overrides IAM and any addition to the queue's policy.
    """
    if principals := _external_principals(stage):
        queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=principals,
                actions=["sqs:GetQueueUrl", "sqs:SendMessage"],
                resources=[queue.queue_arn],
            )
        )
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions=_not_a_sender(stage, own_roles),
        )
    )


def _external_principals(stage: Stage) -> list[iam.IPrincipal]:
    """List the producers that the queue's policy must allow; IAM allows those of this account."""
    accounts = [iam.AccountPrincipal(account) for account in stage.producer_accounts]
    return [*accounts, *(iam.ArnPrincipal(arn) for arn in stage.producer_principals)]


def _not_a_sender(stage: Stage, own_roles: Sequence[iam.IRole]) -> dict[str, object]:
    """Match callers of neither kind; an AWS service has no such ARN, so it is denied as well."""
    roles = [*stage.producer_principals, *(role.role_arn for role in own_roles)]
    this_account = [Aws.ACCOUNT_ID] if stage.includes_this_account else []
    accounts = [*stage.producer_accounts, *this_account]
    by_account = {"StringNotEquals": {"aws:PrincipalAccount": accounts}} if accounts else {}
    return {"ArnNotEquals": {"aws:PrincipalArn": roles}, **by_account}
