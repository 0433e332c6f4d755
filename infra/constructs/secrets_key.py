"""The KMS key that encrypts the subscriptions' secrets at rest."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.constructs import removal_policy
from infra.constructs.lambda_function import LambdaFunction

ADMINISTER = (
    *("kms:CancelKeyDeletion", "kms:CreateAlias", "kms:Delete*", "kms:Describe*", "kms:Disable*"),
    *("kms:Enable*", "kms:Get*", "kms:List*", "kms:Put*", "kms:Revoke*", "kms:RotateKeyOnDemand"),
    *("kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:Update*"),
)
"""https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html

But for grants: whoever makes one could open what the policy lets nobody open.
"""

SOON = Duration.days(7)
"""KMS's minimum waiting period before a key is deleted."""

ENCRYPT = "kms:Encrypt"
DECRYPT = "kms:Decrypt"


class SecretsKey(Construct):
    """Key whose administrators and encrypting roles IAM decides; only one function decrypts.

    Production keeps it after the stack: without it, no stored secret can be read. A key that exists
    keeps its own policy, which decides who else decrypts.
    """

    def __init__(
        self, scope: Construct, id_: str, *, existing_arn: str | None, retain: bool
    ) -> None:
        super().__init__(scope, id_)
        self.key = self._existing(existing_arn) if existing_arn else self._create(retain=retain)

    def _existing(self, arn: str) -> kms.IKey:
        return kms.Key.from_key_arn(self, "Key", arn)

    def _create(self, *, retain: bool) -> kms.IKey:
        return kms.Key(
            self,
            "Key",
            description="Encrypts the signing secrets of Lakehook's subscriptions",
            alias=f"{Stack.of(self).stack_name}-secrets",
            enable_key_rotation=True,
            policy=iam.PolicyDocument(statements=[_iam_decides()]),
            pending_window=None if retain else SOON,
            removal_policy=removal_policy(retain=retain),
        )

    def grant_encrypt(self, worker: LambdaFunction) -> None:
        worker.grant([ENCRYPT], on=self.key.key_arn)

    def grant_decrypt(self, worker: LambdaFunction) -> None:
        """Grant decryption to a role of this ARN, which its own policy must allow, too."""
        worker.grant([DECRYPT], on=self.key.key_arn)
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.AccountRootPrincipal()],
                actions=[DECRYPT],
                resources=["*"],
                conditions={"ArnEquals": {"aws:PrincipalArn": worker.role.role_arn}},
            )
        )


def _iam_decides() -> iam.PolicyStatement:
    return iam.PolicyStatement(
        principals=[iam.AccountRootPrincipal()], actions=[*ADMINISTER, ENCRYPT], resources=["*"]
    )
