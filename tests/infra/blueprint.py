"""A synthesized template, whose resources are found by type or name instead of logical id."""

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
        """Properties of every resource of a type, by logical id."""
        properties = {
            id_: resource.get("Properties", {})
            for id_, resource in self.template["Resources"].items()
            if resource["Type"] == resource_type
        }
        assert properties, f"the template holds no {resource_type}"
        return properties

    @property
    def types(self) -> set[str]:
        return {resource["Type"] for resource in self.template["Resources"].values()}

    def resource_of_output(self, name: str) -> Json:
        value = value_if_condition_holds(self.template["Outputs"][name]["Value"])
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
        """Functions by the name in the handler."""
        functions = self.resources("AWS::Lambda::Function").values()
        return {function["Handler"].split(".")[1]: function for function in functions}

    @property
    def asset_keys(self) -> set[str]:
        return {function["Code"]["S3Key"] for function in self.functions.values()}

    def environment(self, function: str) -> Json:
        variables: Json = self.functions[function]["Environment"]["Variables"]
        return variables

    def grants(self, function: str) -> list[Json]:
        """Statements of the policies of the function's role."""
        role = {"Ref": self.functions[function]["Role"]["Fn::GetAtt"][0]}
        return [
            statement
            for policy in self.resources("AWS::IAM::Policy").values()
            if role in policy["Roles"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    def allowed_actions(self, function: str) -> set[Grant]:
        """Pairs of an action and a resource that the function's role allows."""
        return {
            (action, self.output_name_of(arn))
            for statement in self.grants(function)
            if statement["Effect"] == "Allow"
            for action in as_list(statement["Action"])
            for arn in as_list(statement["Resource"])
        }

    def needed_by_lambda(self, function: str) -> set[Grant]:
        """Actions of Lambda with the function's role before and after the code runs.

        https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
        """
        logs = {(action, self.log_of(function)) for action in WRITE_ITS_LOG}
        queues = [
            self.output_name_of(mapping["EventSourceArn"])
            for mapping in self.mappings
            if mapping["FunctionName"]["Ref"] == self.logical_id(function)
        ]
        return logs | {(action, queue) for action in TAKE_MESSAGES for queue in queues}

    def logical_id(self, function: str) -> str:
        (id_,) = [
            id_
            for id_, resource in self.resources("AWS::Lambda::Function").items()
            if resource["Handler"].split(".")[1] == function
        ]
        return id_

    def log_of(self, function: str) -> str:
        log: str = self.functions[function]["LoggingConfig"]["LogGroup"]["Ref"]
        return log

    def output_name_of(self, arn: Json | str) -> str:
        """Name a resource by the output that has its value, else by its logical id."""
        if isinstance(arn, str):
            return arn
        if "Fn::Join" in arn:
            table, *account, path = arn["Fn::Join"][1]
            if account:  # of the account, not of the stack
                return str(path).removeprefix(":")
            return f"{self.output_name_of(table)}{path}"
        names = {
            str(value_if_condition_holds(output["Value"])): name
            for name, output in self.template["Outputs"].items()
        }
        id_ = str(arn["Ref"] if "Ref" in arn else arn["Fn::GetAtt"][0])
        return names.get(str({"Ref": id_})) or names.get(str(arn)) or id_


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def value_if_condition_holds(value: Json) -> Json:
    """Return the value that an expression has if its condition holds."""
    chosen: Json = value["Fn::If"][1] if "Fn::If" in value else value
    return chosen
