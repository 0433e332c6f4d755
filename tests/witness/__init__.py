"""The stack on a cloud that others have made: deployed by the CDK, judged by its own policies."""
