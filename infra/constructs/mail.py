"""Mail by SES: the identity, and who may send from it."""

from aws_cdk import Stack

from infra.constructs.lambda_function import LambdaFunction
from infra.suppressions import acknowledge_rule

SEND_MAIL = ("ses:SendEmail",)


def may_send_mail(worker: LambdaFunction, *, sender: str) -> None:
    """By any identity of this account, which may be the address or its domain, and as no other.

    SES asks for the configuration set, too, where the identity has one. Where the sender is ``-``
    nobody may.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
    """
    for kind in ("identity", "configuration-set"):
        every = Stack.of(worker).format_arn(service="ses", resource=kind, resource_name="*")
        worker.allow(SEND_MAIL, on=every, when={"StringEquals": {"ses:FromAddress": sender}})
        acknowledge_rule(
            worker.role,
            "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ses:<AWS::Region>:<AWS::AccountId>"
            f":{kind}/*]",
            "The account says by which it sends, and how; the sender is one address alone",
        )
