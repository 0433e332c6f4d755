"""``/status``: how every subscription is, what waits, and what needs a person."""

from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.api.parameters import Service, operation
from lakehook.operations.views.status import StatusView

ROUTES = Router()


@ROUTES.get(
    "/status",
    summary="Show the status",
    description="What `lakehook status` shows. It costs the same however much waits.",
    tags=["Status"],
    **operation("How each subscription is, the worst first."),
)
def show_status(service: Service) -> StatusView:
    return StatusView.from_report(service.show_status())
