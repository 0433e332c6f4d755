"""HTTP status of an error, the same in the API and in the console."""

from http import HTTPStatus

from lakehook.domain.errors import (
    Conflict,
    InfrastructureError,
    InvalidInput,
    LakehookError,
    LaneConflict,
    NotFound,
    PendingDeliveries,
    TemplateFailed,
)

_STATUSES: tuple[tuple[type[LakehookError], HTTPStatus], ...] = (
    (InvalidInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (TemplateFailed, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (PendingDeliveries, HTTPStatus.CONFLICT),
    (LaneConflict, HTTPStatus.CONFLICT),
    (InfrastructureError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def http_status_of(error: LakehookError) -> HTTPStatus:
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR
