"""Pipeline: its events over time, and each subscriber's progress."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from lakehook.console.actions import Choice, ConsoleAction, Page, confirm
from lakehook.console.charts import PipelineTimeline
from lakehook.console.context import command_line, service, translator
from lakehook.domain.errors import NotFound
from lakehook.domain.event import join_pipeline_key
from lakehook.operations.views.pipelines import PipelineReportView, PipelineView
from lakehook.queries import UnfinishedPipeline

PAGES = Blueprint("pipelines", __name__)
MAX_LISTED = 200


@PAGES.get("/pipelines/")
def list_() -> str | Response:
    query = request.args.get("q", "").strip()
    if query and _is_known(query):
        return redirect(url_for("pipelines.show", pipeline=query))
    unfinished = [pipeline for pipeline in service().list_pipelines() if _matches(pipeline, query)]
    return render_template(
        "pipelines.html",
        query=query,
        pipelines=[PipelineView.from_unfinished(pipeline) for pipeline in unfinished[:MAX_LISTED]],
        more=len(unfinished) - MAX_LISTED,
        key=join_pipeline_key,
    )


@PAGES.route("/send-pipeline", methods=["GET", "POST"])
def send() -> Page:
    """Ask for the subscriber, and send the pipeline's events to it."""
    pipeline = service().show_pipeline(request.args.get("pipeline", "")).pipeline_key
    names = [subscription.name for subscription in service().find_subscription.all()]
    if not names:
        raise NotFound("nobody subscribes")
    name = request.values.get("subscription", names[0])
    t = translator()
    action = ConsoleAction(
        title=t("Send pipeline {key} to a subscriber", key=pipeline),
        effects=[
            t("Its events that the subscriber wants go out at once, in order, marked replayed."),
            t("Those that it has had go out again by the same ids."),
            t("Those that wait are left alone. New events of the pipeline wait behind."),
        ],
        command=command_line("pipelines", "send", pipeline, "--subscription", name),
        button=t("Send them"),
        back=url_for("pipelines.show", pipeline=pipeline),
        choices=[Choice(name="subscription", label=t("Subscriber"), value=name, options=names)],
    )

    def act() -> str:
        sent = service().send_pipeline(pipeline, service().find_subscription(name)).sent
        return t.plural(
            "{n} delivery goes to {name}.", "{n} deliveries go to {name}.", sent, name=name
        )

    return confirm(action, act)


@PAGES.get("/pipelines/<path:pipeline>")
def show(pipeline: str) -> str:
    report = service().show_pipeline(pipeline)
    return render_template(
        "pipeline.html",
        pipeline_key=report.pipeline_key,
        report=PipelineReportView.from_report(report),
        timeline=PipelineTimeline.from_report(report, now=service().clock.now()),
        link=report.events[-1].sequenced.event.document.get("pipeline_url"),  # http(s) only
    )


def _is_known(pipeline: str) -> bool:
    try:
        return bool(service().show_pipeline.journal.events(pipeline))
    except NotFound:
        return False


def _matches(unfinished: UnfinishedPipeline, query: str) -> bool:
    info = unfinished.pipeline.info
    project = (info.project_name if info else None) or ""
    return query.lower() in f"{unfinished.pipeline.key} {project}".lower()
