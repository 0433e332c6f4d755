"""Mail by SES: the sender's identity, and the permission to send."""

from aws_cdk import Stack, Token

from infra.constructs.lambda_function import LambdaFunction
from infra.suppressions import acknowledge_rule

SEND_MAIL = ("ses:SendEmail",)


def grant_send_mail(worker: LambdaFunction, *, sender: str) -> None:
    """Allow sending as this sender, by any identity of the account: the address or its domain.

    SES also checks the configuration set, if the identity has one. A sender of ``-`` allows
    nothing.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
    """
    for kind in ("identity", "configuration-set"):
        every = Stack.of(worker).format_arn(service="ses", resource=kind, resource_name="*")
        worker.grant(SEND_MAIL, on=every, when={"StringEquals": {"ses:FromAddress": sender}})
        acknowledge_rule(
            worker.role,
            f"AwsSolutions-IAM5[Resource::{_as_rules_name_it(every, Stack.of(worker))}]",
            "The account decides on identity and configuration set; the sender is one address",
        )


def _as_rules_name_it(arn: str, stack: Stack) -> str:
    """Return the ARN as cdk-nag reports it: what is known only on AWS goes by its name."""
    names = {
        "AWS::Partition": stack.partition,
        "AWS::Region": stack.region,
        "AWS::AccountId": stack.account,
    }
    for name, value in names.items():
        if Token.is_unresolved(value):
            arn = arn.replace(value, f"<{name}>")
    return arn
