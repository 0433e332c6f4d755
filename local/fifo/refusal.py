"""The one way the queue says no."""


class Refused(Exception):
    """A request SQS would answer with the error ``code``."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def invalid(parameter: str, value: object, reason: str) -> Refused:
    return Refused(
        "InvalidParameterValue",
        f"Value {value} for parameter {parameter} is invalid. Reason: {reason}",
    )


def missing(parameter: str) -> Refused:
    return Refused("MissingParameter", f"The request must contain the parameter {parameter}.")
