"""The page that shows a new secret, this once, with the code of a receiver that uses it."""

from flask import make_response, render_template
from werkzeug.wrappers import Response

from lakehook.domain.channels import CHANNELS
from lakehook.domain.channels.base import SignatureScheme
from lakehook.operations.views.subscriptions import CreatedSubscriptionView

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
