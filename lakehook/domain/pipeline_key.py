"""Key of a pipeline, unique over all sources: ``39``, or ``staging/39`` of a named source.

Neither a source's name nor a pipeline's id may contain a slash.
"""

from lakehook.domain.errors import InvalidInput

DEFAULT_SOURCE = "default"
"""Operators' name of the source that has no name."""

MAX_SHOWN = 80


def split_pipeline_key(key: str) -> tuple[str | None, str]:
    """Return the source's name (None for the default source) and the pipeline's id there."""
    source, _, pipeline_id = key.rpartition("/")
    return source or None, pipeline_id


def join_pipeline_key(source: str | None, pipeline_id: str) -> str:
    return pipeline_id if source is None else f"{source}/{pipeline_id}"


def parse_pipeline_key(pipeline: str, *, source: str | None = None) -> str:
    """Parse ``staging/39``, or ``39`` with a separate source; ``InvalidInput`` if two differ."""
    named, pipeline_id = split_pipeline_key(pipeline)
    if source is None:
        return pipeline
    if named is not None and named != source:
        raise InvalidInput(
            f"source: {source[:MAX_SHOWN]!a} is not that of {pipeline[:MAX_SHOWN]!a};"
            " give one of the two"
        )
    return join_pipeline_key(None if source == DEFAULT_SOURCE else source, pipeline_id)


def is_of_source(key: str, source: str | None) -> bool:
    """Whether a pipeline belongs to the source that an operator named; without one, True."""
    return source is None or (split_pipeline_key(key)[0] or DEFAULT_SOURCE) == source
