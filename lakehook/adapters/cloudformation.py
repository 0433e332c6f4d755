"""Where a deployment is: its stack says so in its outputs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lakehook.adapters.aws import own_trouble
from lakehook.domain.errors import NoSuchStack
from lakehook.settings import Deployment

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_REFUSED = "ValidationError"  # the name is the whole request, so it is the name that is wrong


@dataclass(frozen=True)
class CloudFormationStacks:
    cloudformation: "CloudFormationClient"

    def find(self, name: str) -> Deployment:
        """The deployment of that name; ``NoSuchStack`` says what is missing."""
        try:
            return Deployment.from_outputs(self._outputs(name))
        except KeyError as error:
            raise NoSuchStack(
                f"stack {name!a} has no output {error.args[0]}; is it a Lakehook, fully deployed?"
            ) from None

    def _outputs(self, name: str) -> dict[str, str]:
        if not name.isprintable():  # and so may be nothing that a request could hold
            raise NoSuchStack(f"stack {name!a} is no name that one could have")
        with own_trouble():
            try:
                stacks = self.cloudformation.describe_stacks(StackName=name)["Stacks"]
            except ClientError as error:
                if error.response["Error"]["Code"] != _REFUSED:
                    raise
                raise NoSuchStack(error.response["Error"]["Message"]) from None
        return {one["OutputKey"]: one["OutputValue"] for one in stacks[0].get("Outputs", [])}
