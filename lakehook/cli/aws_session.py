"""The AWS account that the command uses. It imports boto3, for which ``--help`` need not wait."""

import boto3

from lakehook.adapters.aws_session import new_session


def session() -> boto3.Session:
    return boto3.Session(botocore_session=new_session())
