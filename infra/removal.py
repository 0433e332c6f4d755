"""What becomes of that which holds something when its stack lets go of it."""

from aws_cdk import RemovalPolicy


def removal(*, protected: bool) -> RemovalPolicy:
    """Where protected it is kept, but for what a first deployment made in vain."""
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if protected else RemovalPolicy.DESTROY
