"""The Flask application: its pages, its guard, and its error pages."""

from functools import partial
from http import HTTPStatus
from urllib.parse import quote

from flask import Flask, g, render_template, request, session, url_for
from jinja2 import StrictUndefined
from werkzeug.exceptions import Forbidden, HTTPException
from werkzeug.wrappers import Response

from lakehook.console import rendering
from lakehook.console.access import HEADERS
from lakehook.console.context import EXTENSION, Console, command_line, console
from lakehook.console.pages import (
    dead_letters,
    deliveries,
    events,
    now,
    pipelines,
    replays,
    subscription_form,
    subscriptions,
)
from lakehook.console.rendering import Translator
from lakehook.domain.errors import InfrastructureError, LakehookError, StackNotFound
from lakehook.domain.subscription import Language
from lakehook.operations.http_status import http_status_of

PAGES = (
    now.PAGES,
    subscriptions.PAGES,
    dead_letters.PAGES,
    deliveries.PAGES,
    pipelines.PAGES,
    events.PAGES,
    replays.PAGES,
    subscription_form.PAGES,
)
NAVIGATION = (
    ("now", "now.show", "Now"),
    ("pipelines", "pipelines.list_", "Pipelines"),
    ("events", "events.list_", "Events"),
    ("replays", "replays.list_", "Replays"),
    ("subscription_form", "subscription_form.subscribe", "Subscribe"),
)
MAX_FORM_BYTES = 512 * 1024
REFRESH_SECONDS = 5
_SAFE = ("GET", "HEAD")
_LET_IN = "let_in"
_LANGUAGE = "language"
_HARMLESS = frozenset(
    {"subscription_form.preview", "subscription_form.preview_edit"}
)  # forms that change nothing


def create_app(shared: Console) -> Flask:
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=shared.access.new_key(),
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
        SESSION_COOKIE_NAME=f"lakehook-console-{shared.access.port}",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
    )
    app.extensions[EXTENSION] = shared
    _set_up_templates(app)
    for pages in PAGES:
        app.register_blueprint(pages)
    app.before_request(_guard)
    app.after_request(_with_headers)
    app.register_error_handler(LakehookError, _refused)
    app.register_error_handler(HTTPException, _http_error)
    return app


def _set_up_templates(app: Flask) -> None:
    templates = app.jinja_env
    templates.undefined = StrictUndefined
    templates.finalize = rendering.finalize
    templates.trim_blocks = templates.lstrip_blocks = True
    templates.filters.update(
        lines=rendering.lines,
        pretty=rendering.pretty,
        pretty_text=rendering.pretty_text,
        liquid=rendering.liquid,
    )
    app.context_processor(_words)


def _words() -> dict[str, object]:
    """Return the values that every template can use."""
    shared, translator = console(), g.translator
    return {
        "t": translator,
        "tn": translator.plural,
        "word": translator.of,
        "sentence": translator.sentence,
        "span": translator.span,
        "ago": partial(translator.ago, now=shared.now),
        "command": command_line,
        "new_form": shared.access.new_form,
        "options": shared.options,
        "language": str(translator.language),
        "is_let_in": g.is_let_in,
        "refresh_seconds": REFRESH_SECONDS,
        "navigation": NAVIGATION,
    }


def _guard() -> Response | str | None:
    """Reject other users, and requests that do not come from a page of the console."""
    access = console().access
    g.is_let_in, g.translator = False, Translator(console().options.language)
    if not access.accepts_host(request.headers.get("host")):
        raise Forbidden("host")
    if request.endpoint == "static":
        return None
    if "token" in request.args:
        return _let_in(request.args["token"])
    if not session.get(_LET_IN):
        return _ask_again_or_refuse()
    g.is_let_in, g.translator = True, Translator(_chosen_language())
    if request.method not in _SAFE:
        _guard_form()
    return None


def _let_in(token: str) -> Response | str:
    """Exchange the token for the cookie, and keep its URL out of the browser's history.

    A redirect would not work: a visit through an external link does not send the strict cookie.
    """
    if not console().access.accepts_token(token):
        raise Forbidden("token")
    session[_LET_IN] = True
    return render_template("arrive.html", target=url_for("now.show"))


def _ask_again_or_refuse() -> Response | str:
    """Handle a link from a mail or a chat, which omits the strict cookie: the page reloads once."""
    if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
        query = request.query_string.decode(errors="replace")
        target = quote(request.path) + (f"?{query}" if query else "")
        return render_template("arrive.html", target=target)
    raise Forbidden("token")


def _chosen_language() -> Language:
    if (asked := request.args.get("language")) in tuple(Language):
        session[_LANGUAGE] = asked
    return Language(session.get(_LANGUAGE) or console().options.language)


def _guard_form() -> None:
    access = console().access
    if not access.accepts_origin(request.headers.get("origin")):
        raise Forbidden("origin")
    is_harmless = request.endpoint in _HARMLESS
    if console().options.read_only and not is_harmless:
        raise Forbidden("read-only")
    if not access.accepts_form(request.form.get("form_token"), once=not is_harmless):
        raise Forbidden("form")


def _with_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


def _refused(error: LakehookError) -> tuple[str, int]:
    is_of_aws = isinstance(error, InfrastructureError | StackNotFound)
    if is_of_aws:
        console().reopen()
    kind = "aws" if is_of_aws else "refused"
    return render_template("error.html", kind=kind, message=str(error)), http_status_of(error)


def _http_error(error: HTTPException) -> tuple[str, int]:
    """Show an error page; details of the console's own errors are in its terminal's log."""
    status = error.code or int(HTTPStatus.INTERNAL_SERVER_ERROR)
    kind = str(error.description) if status == HTTPStatus.FORBIDDEN else str(status)
    return render_template("error.html", kind=kind, message=""), status
