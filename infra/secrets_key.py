"""The key under which the subscriptions' secrets rest."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from constructs import Construct


class SecretsKey(Construct):
    """Kept when the stack goes: without it no stored secret can ever be read again."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self.key = kms.Key(
            self,
            "Key",
            description="Encrypts the signing secrets of Lakehook's subscriptions",
            alias=f"{Stack.of(self).stack_name}-secrets",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
