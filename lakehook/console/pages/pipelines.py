"""Pipeline: its events over time, and each subscriber's progress."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from lakehook.console.context import service
from lakehook.console.timeline import PipelineTimeline
from lakehook.domain.errors import NotFound
from lakehook.domain.pipeline_key import join_pipeline_key
from lakehook.operations.views.pipelines import PipelineReportView, PipelineView
from lakehook.queries import UnfinishedPipeline

PAGES = Blueprint("pipelines", __name__, url_prefix="/pipelines")
MAX_LISTED = 200


@PAGES.get("/")
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


@PAGES.get("/<path:pipeline>")
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
        return bool(service().show_pipeline.history.events(pipeline))
    except NotFound:
        return False


def _matches(unfinished: UnfinishedPipeline, query: str) -> bool:
    info = unfinished.pipeline.info
    project = (info.project_name if info else None) or ""
    return query.lower() in f"{unfinished.pipeline.key} {project}".lower()
