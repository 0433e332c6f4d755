"""Resources of the template that the laptop ignores, each with the reason."""

UNSUPPORTED_RESOURCES = {
    "AWS::CDK::Metadata": "tells AWS which constructs are used",
    "AWS::CloudWatch::Alarm": "nothing emits AWS's own metrics here",
    "AWS::CloudWatch::CompositeAlarm": "nothing emits AWS's own metrics here",
    "AWS::CloudWatch::Dashboard": "there is no console to show it",
    "AWS::IAM::ManagedPolicy": "everything is permitted here",
    "AWS::IAM::Policy": "everything is permitted here",
    "AWS::IAM::Role": "everything is permitted here",
    "AWS::KMS::Alias": "a name for people; the functions are given the key's ARN",
    "AWS::Lambda::EventInvokeConfig": "a tick that fails is followed by the next",
    "AWS::Lambda::Permission": "everything is permitted here",
    "AWS::Logs::LogGroup": "the functions' logs go to stderr",
    "AWS::Logs::MetricFilter": "the functions' logs go to stderr",
    "AWS::Logs::QueryDefinition": "the functions' logs go to stderr",
    "AWS::SNS::Subscription": "there is nobody to notify",
    "AWS::SNS::TopicPolicy": "everything is permitted here",
    "AWS::SQS::QueuePolicy": "everything is permitted here",
}
