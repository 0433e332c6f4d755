"""A synthesized template, read by what its resources are instead of by their logical ids."""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


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

    def resource_of_output(self, name: str) -> Json:
        resource: Json = self.template["Resources"][self.template["Outputs"][name]["Value"]["Ref"]]
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
