"""A synthesized template, read by what its resources are instead of by their logical ids."""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

Grant = tuple[str, str]
"""An action, and the resource it may be done to."""

WRITE_ITS_LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
TAKE_MESSAGES = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}


@dataclass(frozen=True)
class Blueprint:
    template: Json

    def resources(self, resource_type: str) -> dict[str, Json]:
        """The properties of every resource of a type, by logical id."""
        found = {
            id_: resource.get("Properties", {})
            for id_, resource in self.template["Resources"].items()
            if resource["Type"] == resource_type
        }
        assert found, f"the template holds no {resource_type}"
        return found

    @property
    def types(self) -> set[str]:
        return {resource["Type"] for resource in self.template["Resources"].values()}

    def resource_of_output(self, name: str) -> Json:
        value = wherever_it_exists(self.template["Outputs"][name]["Value"])
        resource: Json = self.template["Resources"][value["Ref"]]
        return resource

    @property
    def queues(self) -> dict[str, Json]:
        return self.resources("AWS::SQS::Queue")

    @property
    def queue_names(self) -> set[str]:
        return {queue["QueueName"] for queue in self.queues.values()}

    @property
    def mappings(self) -> list[Json]:
        return list(self.resources("AWS::Lambda::EventSourceMapping").values())

    @property
    def functions(self) -> dict[str, Json]:
        """By the name in the handler."""
        functions = self.resources("AWS::Lambda::Function").values()
        return {function["Handler"].split(".")[1]: function for function in functions}

    @property
    def asset_keys(self) -> set[str]:
        return {function["Code"]["S3Key"] for function in self.functions.values()}

    def environment(self, function: str) -> Json:
        variables: Json = self.functions[function]["Environment"]["Variables"]
        return variables

    def grants(self, function: str) -> list[Json]:
        """The statements of the function's role."""
        role = {"Ref": self.functions[function]["Role"]["Fn::GetAtt"][0]}
        return [
            statement
            for policy in self.resources("AWS::IAM::Policy").values()
            if role in policy["Roles"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    def granted(self, function: str) -> set[Grant]:
        """Each action and resource that the function's role allows."""
        return {
            (action, self.told_as(arn))
            for statement in self.grants(function)
            if statement["Effect"] == "Allow"
            for action in as_list(statement["Action"])
            for arn in as_list(statement["Resource"])
        }

    def needed_around(self, function: str) -> set[Grant]:
        """What Lambda does with the function's role before and after the code runs.

        https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
        """
        logs = {(action, self.log_of(function)) for action in WRITE_ITS_LOG}
        queues = [
            self.told_as(mapping["EventSourceArn"])
            for mapping in self.mappings
            if mapping["FunctionName"]["Ref"] == self.logical_id(function)
        ]
        return logs | {(action, queue) for action in TAKE_MESSAGES for queue in queues}

    def logical_id(self, function: str) -> str:
        (found,) = [
            id_
            for id_, one in self.resources("AWS::Lambda::Function").items()
            if one["Handler"].split(".")[1] == function
        ]
        return found

    def log_of(self, function: str) -> str:
        log: str = self.functions[function]["LoggingConfig"]["LogGroup"]["Ref"]
        return log

    def told_as(self, arn: Json | str) -> str:
        """A resource by the output that tells of it, else by its logical id."""
        if isinstance(arn, str):
            return arn
        if "Fn::Join" in arn:
            table, *between, path = arn["Fn::Join"][1]
            if between:  # of the account, not of the stack
                return str(path).removeprefix(":")
            return f"{self.told_as(table)}{path}"
        told = {
            str(wherever_it_exists(output["Value"])): name
            for name, output in self.template["Outputs"].items()
        }
        id_ = str(arn["Ref"] if "Ref" in arn else arn["Fn::GetAtt"][0])
        return told.get(str({"Ref": id_})) or told.get(str(arn)) or id_


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def wherever_it_exists(value: Json) -> Json:
    """Return the value that an expression has if its condition holds."""
    chosen: Json = value["Fn::If"][1] if "Fn::If" in value else value
    return chosen
