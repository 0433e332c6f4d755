"""The SNS topic of operators: a message for people, by e-mail or whatever is subscribed."""

from dataclasses import dataclass

from lakehook.adapters.aws import Aws, translate_aws_errors


@dataclass(frozen=True)
class SnsOperatorNotifier:
    """The client is made when there is something to send: most runs have nothing."""

    aws: Aws
    topic_arn: str

    def publish(self, subject: str, text: str) -> None:
        """Publish a message of at most 256 KiB.

        https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
        """
        with translate_aws_errors():
            self.aws.sns().publish(TopicArn=self.topic_arn, Subject=subject, Message=text)
