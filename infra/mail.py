"""Mail by SES: who may send it, and from where."""

from aws_cdk import Stack

from infra.worker import Worker

SEND_MAIL = ("ses:SendEmail",)


def may_send_mail(worker: Worker, *, sender: str) -> None:
    """By any identity of this account, which may be the address or its domain, and as no other.

    Where the sender is ``-`` nobody may.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
    """
    identities = Stack.of(worker).format_arn(service="ses", resource="identity", resource_name="*")
    worker.may(SEND_MAIL, on=identities, when={"StringEquals": {"ses:FromAddress": sender}})
