"""Action of the console: a change, its effect, the command that does the same, a new secret."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import flash, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from lakehook.domain.channels import CHANNELS
from lakehook.domain.channels.base import SignatureScheme
from lakehook.domain.errors import LakehookError
from lakehook.operations.http_status import http_status_of
from lakehook.operations.views.subscriptions import CreatedSubscriptionView

Page = str | tuple[str, int] | Response
RECEIVER = """\
# pip install standardwebhooks flask
import os
from flask import Flask, request
from standardwebhooks import Webhook

app = Flask(__name__)
webhook = Webhook(os.environ["WEBHOOK_SECRET"])

@app.post("/hook")
def hook():
    event = webhook.verify(request.get_data(), dict(request.headers))
    print(event["event_type"], event["pipeline_id"])
    return "", 204
"""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A field of the confirmation: free text, or one of ``options``."""

    name: str
    label: str
    value: str = ""
    options: Sequence[str] = ()
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class ConsoleAction:
    title: str
    effects: Sequence[str]
    command: str
    button: str
    back: str
    is_danger: bool = False
    choices: Sequence[Choice] = ()
    as_of: float | None = None  # unix seconds: the act leaves out what came after


def confirm(action: ConsoleAction, act: Callable[[], str | Response]) -> Page:
    """Ask for confirmation; then act, and show the result on the page that it came from."""
    if request.method != "POST":
        return render_template("confirm.html", action=action, error=None)
    try:
        result = act()
    except LakehookError as error:
        page = render_template("confirm.html", action=action, error=str(error))
        return page, http_status_of(error)
    if not isinstance(result, str):
        return result
    flash(result)
    return redirect(action.back, 303)


def secret_page(view: CreatedSubscriptionView, *, is_new: bool) -> Response:
    page = render_template(
        "secret.html",
        subscription=view,
        is_new=is_new,
        is_optional=has_optional_secret(view.channel),
        receiver=RECEIVER,
    )
    return make_response(page)


def has_optional_secret(channel: str) -> bool:
    """Whether the secret, if any, is made by the service, and given by a command alone."""
    return CHANNELS[channel].signature_scheme is SignatureScheme.OPTIONAL_TEXT
