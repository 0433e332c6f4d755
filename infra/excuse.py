"""Why a rule of others does not hold here; it stands beside what breaks the rule."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def excuse(construct: IConstruct, rule: str, reason: str) -> None:
    """For everything under the construct too."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))
