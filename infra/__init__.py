"""The CDK blueprint: one stack, a construct per capability."""
