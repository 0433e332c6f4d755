"""Suppression of a lint rule on a construct, with its reason."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

FUNCTION_SUPPRESSIONS = {
    "AwsSolutions-L1": "What ships is built for and tested on Python 3.13, which AWS keeps to 2029",
    "Serverless-LambdaDLQ": "Nothing is invoked asynchronously but the clock, and the next minute"
    " makes up for a tick that failed",
    "Serverless-LambdaLatestVersion": "A message belongs to the code that was deployed last",
    "Serverless-LambdaTracing": "X-Ray's import costs every cold start; who wants it turns it on",
    "Serverless-LambdaEventSourceMappingDestination": "SQS has no such destinations; a queue's"
    " dead letters go to a queue of their own",
}


def acknowledge_rule(construct: IConstruct, rule: str, reason: str) -> None:
    """Suppress a rule for the construct and everything under it."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))
