"""Errors of the console: one line, and a remedy."""

from http import HTTPStatus

from lakehook.domain.errors import (
    Conflict,
    InfrastructureError,
    InvalidInput,
    LakehookError,
    LaneConflict,
    NotFound,
    PendingDeliveries,
)

_STATUSES: tuple[tuple[type[LakehookError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (InvalidInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Conflict, HTTPStatus.CONFLICT),
    (LaneConflict, HTTPStatus.CONFLICT),
    (PendingDeliveries, HTTPStatus.CONFLICT),
    (InfrastructureError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def status_of(error: LakehookError) -> int:
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return int(status)
    return int(HTTPStatus.UNPROCESSABLE_ENTITY)
