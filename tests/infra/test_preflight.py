"""A deployment that cannot work is refused in one line before the CDK starts."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    UnauthorizedSSOTokenError,
)
from moto import mock_aws

from infra import cdk
from infra.cdk import NO_CREDENTIALS, NotReady, check_stage
from infra.stage import Stage, stage_named

ACCOUNT = "123456789012"
"""The account whose credentials moto gives."""

REGION = "eu-central-1"
EXPIRED: Any = {"Error": {"Code": "ExpiredToken", "Message": "The security token is expired"}}
ALL_SERVICES = ("sqs", "kms", "dynamodb")


@pytest.fixture(scope="module")
def session() -> Iterator[boto3.Session]:
    """A session at a cloud for all tests of the module, each of which makes a VPC of its own."""
    with mock_aws():
        yield boto3.Session("key", "secret", region_name=REGION)


@pytest.fixture(autouse=True)
def _no_region_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)


class Vpc:
    """A VPC with one private subnet."""

    def __init__(self, session: boto3.Session) -> None:
        self.ec2: Any = session.client("ec2")
        self.id = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(VpcId=self.id, CidrBlock="10.0.0.0/24")["Subnet"]
        self.subnet = subnet["SubnetId"]
        main = [{"Name": "vpc-id", "Values": [self.id]}]
        (table,) = self.ec2.describe_route_tables(Filters=main)["RouteTables"]
        self.main_table = table["RouteTableId"]

    def own_table(self) -> str:
        table: str = self.ec2.create_route_table(VpcId=self.id)["RouteTable"]["RouteTableId"]
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=self.subnet)
        return table

    def route(self, table: str, **target: str) -> None:
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)

    def nat(self) -> str:
        gateway = self.ec2.create_nat_gateway(SubnetId=self.subnet, ConnectivityType="private")
        return str(gateway["NatGateway"]["NatGatewayId"])

    def open_to(self, *services: str) -> None:
        for service in services:
            gateway = service == "dynamodb"
            self.ec2.create_vpc_endpoint(
                VpcId=self.id,
                ServiceName=f"com.amazonaws.{REGION}.{service}",
                VpcEndpointType="Gateway" if gateway else "Interface",
                **({"RouteTableIds": [self.main_table]} if gateway else {}),
            )

    @property
    def stage(self) -> Stage:
        network = {"subnets": [self.subnet], "security_groups": ["sg-01234567"]}
        return stage_named("try", {"network": network})


@pytest.fixture
def vpc(session: boto3.Session) -> Vpc:
    return Vpc(session)


def test_the_credentials_of_the_stage_s_account_are_taken(session: boto3.Session) -> None:
    check_stage(stage_named("try", {"account": ACCOUNT, "region": REGION}), session)


def test_the_wrong_profile_is_refused_by_both_accounts(session: boto3.Session) -> None:
    with pytest.raises(NotReady) as refused:
        check_stage(stage_named("try", {"account": "210987654321"}), session)

    assert str(refused.value) == (
        f'[try] account = "210987654321": the credentials are of account {ACCOUNT}; '
        "choose the profile of the stage's account (AWS_PROFILE=…)"
    )


@pytest.mark.parametrize("chosen", ["AWS_REGION", "profile"])
def test_a_region_without_function_urls_is_refused_wherever_it_is_chosen(
    session: boto3.Session, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    region = "eu-central-2"
    if chosen == "AWS_REGION":
        monkeypatch.setenv(chosen, region)
    else:
        session = boto3.Session("key", "secret", region_name=region)

    with pytest.raises(NotReady, match=f"region {region}: Lambda has no function URLs there"):
        check_stage(stage_named("try"), session)


def test_a_private_subnet_has_a_way_by_nat_or_by_endpoints(vpc: Vpc, session: boto3.Session):
    vpc.open_to(*ALL_SERVICES)
    check_stage(vpc.stage, session)

    other = Vpc(session)
    other.route(other.own_table(), NatGatewayId=other.nat())
    check_stage(other.stage, session)


def test_a_subnet_without_a_way_to_a_service_is_refused_with_the_service(
    vpc: Vpc, session: boto3.Session
) -> None:
    vpc.open_to("kms", "dynamodb")

    with pytest.raises(NotReady) as refused:
        check_stage(vpc.stage, session)

    assert str(refused.value) == (
        f'[try.network] subnets = "{vpc.subnet}": has no way to sqs; '
        "route it to a NAT gateway, or add VPC endpoints for them"
    )


def test_the_service_with_the_ca_bundle_must_be_reached_as_well(
    vpc: Vpc, session: boto3.Session
) -> None:
    vpc.open_to(*ALL_SERVICES)
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/ca"

    with pytest.raises(NotReady, match="has no way to ssm;"):
        check_stage(replace(vpc.stage, ca_bundle_arn=arn), session)


def test_an_internet_gateway_is_no_way_for_a_function(vpc: Vpc, session: boto3.Session) -> None:
    gateway = vpc.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    vpc.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc.id)
    vpc.route(vpc.main_table, GatewayId=gateway)

    with pytest.raises(NotReady, match="has no way to sqs, kms, dynamodb;"):
        check_stage(vpc.stage, session)


def test_a_gateway_endpoint_of_another_route_table_is_no_way(
    vpc: Vpc, session: boto3.Session
) -> None:
    vpc.open_to(*ALL_SERVICES)
    vpc.own_table()

    with pytest.raises(NotReady, match="has no way to dynamodb;"):
        check_stage(vpc.stage, session)


def test_a_subnet_that_does_not_exist_is_refused(session: boto3.Session) -> None:
    network = {"subnets": ["subnet-01234567"], "security_groups": ["sg-01234567"]}

    with pytest.raises(NotReady, match=r"^\[try.network\] subnets: .*subnet-01234567"):
        check_stage(stage_named("try", {"network": network}), session)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            EndpointConnectionError(endpoint_url="https://sts"),
            "AWS does not answer: Could not conn",
        ),
        (UnauthorizedSSOTokenError(), "AWS credentials: The SSO session .* profile; sign in again"),
        (
            ClientError(EXPIRED, "GetCallerIdentity"),
            "AWS credentials: .* is expired; sign in again",
        ),
    ],
    ids=["no network", "session over", "token expired"],
)
def test_an_error_of_aws_is_reported_with_its_remedy(
    session: boto3.Session, monkeypatch: pytest.MonkeyPatch, error: Exception, line: str
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", refuse)

    with pytest.raises(NotReady, match=f"^{line}"):
        check_stage(stage_named("try"), session)


def refuse_without_credentials(*_arguments: object, **_options: object) -> None:
    raise NoCredentialsError


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[production]\naccount = 12", "[production] account = 12: choose a text, in quotes\n"),
        ("[production]", f"{NO_CREDENTIALS}\n"),
    ],
)
def test_the_command_prints_a_refusal_once_and_starts_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    line: str,
) -> None:
    file = tmp_path / "stages.toml"
    file.write_text(text, encoding="utf-8")
    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", refuse_without_credentials)
    monkeypatch.setattr(cdk, "_run_cdk", pytest.fail)

    assert cdk.main(["deploy", "--context", "stage=production", "-c", f"stages={file}"]) == 2

    assert capsys.readouterr().err.removeprefix(f"{file}: ") == line


@pytest.fixture
def two_stages(tmp_path: Path) -> list[str]:
    file = tmp_path / "stages.toml"
    file.write_text('[production]\n[try]\nqualifier = "mine"', encoding="utf-8")
    return ["--context", "stage=production,try", "--context", f"stages={file}"]


def test_commands_without_aws_need_no_credentials(
    two_stages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", refuse_without_credentials)

    assert cdk.check(["synth", *two_stages]) == []


@pytest.mark.usefixtures("session")
def test_only_the_named_stage_of_a_common_build_is_deployed(
    two_stages: list[str],
) -> None:
    _, *file = two_stages
    arguments = ["deploy", "--context", "stage=try", *file[1:], "--app", "cdk.out"]

    assert cdk.check(arguments) == ["Lakehook-try"]
    assert cdk.check(["diff", *two_stages]) == ["Lakehook", "Lakehook-try"]


@pytest.mark.usefixtures("session")
def test_other_parameters_are_another_digest_in_whatever_order(two_stages: list[str]) -> None:
    def digest(*parameters: str) -> str:
        options = [option for parameter in parameters for option in ("--parameters", parameter)]
        *_, context = cdk.check(["deploy", *two_stages, *options])
        return context

    expected = digest("EmailSender=a@b", "DevlakeApiUrl=-")
    assert expected.startswith("parameters-digest=")
    assert digest("DevlakeApiUrl=-", "EmailSender=a@b") == expected
    assert digest("DevlakeApiUrl=-", "EmailSender=a@c") != expected


@pytest.mark.usefixtures("session")
def test_an_account_is_prepared_by_the_qualifier_of_its_stage(two_stages: list[str]) -> None:
    assert cdk.check(["bootstrap", *two_stages]) == ["--qualifier", "mine"]
