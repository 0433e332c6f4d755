"""What the API tells: one line per call, with who called; never a body, nor a query."""

from http import HTTPStatus

from lakehook import metrics as names
from lakehook.adapters.powertools import Powertools

MOST_PATH_CHARACTERS = 200


class ApiTelemetry(Powertools):
    def answered(self, *, method: str, path: str, principal: str | None, status: int) -> None:
        self._count(_counted(status))
        shown = path[:MOST_PATH_CHARACTERS]
        self._info("api_called", method=method, path=shown, principal=principal, status=status)

    def failed(self, error: Exception) -> None:
        self.trouble(error, doing="answer a call")

    def warn(self, message: str) -> None:
        self.logger.warning("api_warning", warning=message)


def _counted(status: int) -> str:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return names.API_FAILED
    return names.API_REFUSED if status >= HTTPStatus.BAD_REQUEST else names.API_CALLS
