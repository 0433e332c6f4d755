"""Constructs of the stack."""

from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from constructs import IConstruct

FUNCTION_SUPPRESSIONS = {
    "AwsSolutions-L1": "Bundles are built for Python 3.13, which AWS supports until 2029",
    "Serverless-LambdaDLQ": "Only the scheduler is invoked asynchronously, and its next run"
    " makes up for a failed one",
    "Serverless-LambdaLatestVersion": "Messages are processed by the latest deployed code",
    "Serverless-LambdaTracing": "X-Ray's import slows down every cold start; it can be enabled",
    "Serverless-LambdaEventSourceMappingDestination": "SQS has no such destinations; each"
    " queue has a dead-letter queue",
}


def removal_policy(*, retain: bool) -> RemovalPolicy:
    """Retain in protected stages, except when the first deployment rolls back."""
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if retain else RemovalPolicy.DESTROY


def acknowledge_rule(construct: IConstruct, rule: str, reason: str) -> None:
    """Suppress a rule for the construct and everything under it."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))
