"""Lambda behind a function URL that IAM guards: what the command does, over HTTP."""

import os
from functools import cache
from typing import Any

from functions.api.app import Api
from functions.api.call import Call
from lakehook.adapters.api_telemetry import ApiTelemetry
from lakehook.adapters.aws import Aws
from lakehook.desk import Desk
from lakehook.desk.on_aws import desk_at
from lakehook.settings import ApiSettings


@cache
def telemetry() -> ApiTelemetry:
    return ApiTelemetry.from_environment()


@cache
def desk() -> Desk:
    return desk_at(ApiSettings.from_env(os.environ), Aws(), telemetry().warn)


@cache
def api() -> Api:
    return Api(desk, telemetry().failed)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    call = Call.of(event)
    with telemetry().invocation(context.aws_request_id):
        answered = api()(call, context)
        telemetry().answered(
            method=call.method,
            path=call.path,
            principal=call.principal,
            status=answered["statusCode"],
        )
    return answered
