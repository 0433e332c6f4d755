"""The policy of the events queue: only the named producers send, and Lakehook's own functions."""

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs

from infra.producers import Producers


def admit(producers: Producers, to: sqs.Queue, *, beside: Sequence[iam.IRole]) -> None:
    """Others may not, whatever IAM lets them, and whatever is added to the queue's policy."""
    invited = _invited(producers)
    if invited:
        to.add_to_resource_policy(
            iam.PolicyStatement(
                principals=invited,
                actions=["sqs:GetQueueUrl", "sqs:SendMessage"],
                resources=[to.queue_arn],
            )
        )
    to.add_to_resource_policy(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["sqs:SendMessage"],
            resources=[to.queue_arn],
            conditions=_neither_named_nor(beside, producers),
        )
    )


def _invited(producers: Producers) -> list[iam.IPrincipal]:
    """This account needs no invitation: its IAM decides."""
    accounts = [iam.AccountPrincipal(one) for one in producers.accounts]
    return [*accounts, *(iam.ArnPrincipal(one) for one in producers.principals)]


def _neither_named_nor(beside: Sequence[iam.IRole], producers: Producers) -> dict[str, object]:
    """Both must hold; an AWS service has no such ARN, so it is refused as well."""
    roles = [*producers.principals, *(one.role_arn for one in beside)]
    this = [Aws.ACCOUNT_ID] if producers.include_this_account else []
    accounts = [*producers.accounts, *this]
    by_account = {"StringNotEquals": {"aws:PrincipalAccount": accounts}} if accounts else {}
    return {"ArnNotEquals": {"aws:PrincipalArn": roles}, **by_account}
