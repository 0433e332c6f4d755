"""The key of a pipeline among those of all sources: ``39``, or ``staging/39`` of a named source.

Neither a source's name nor a pipeline's id may hold a slash.
"""

from lakehook.domain.errors import InvalidInput

DEFAULT_SOURCE = "default"
"""How operators name the source that has no name."""

MAX_SHOWN = 80


def split_pipeline_key(key: str) -> tuple[str | None, str]:
    """The source's name, none of the default source, and the pipeline's id there."""
    source, _, pipeline_id = key.rpartition("/")
    return source or None, pipeline_id


def join_pipeline_key(source: str | None, pipeline_id: str) -> str:
    return pipeline_id if source is None else f"{source}/{pipeline_id}"


def parse_pipeline_key(pipeline: str, *, source: str | None = None) -> str:
    """Read ``staging/39``, or ``39`` with its source apart; ``InvalidInput`` if two are named."""
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
    """Whether a pipeline is of the source that an operator named; if none, any is."""
    return source is None or (split_pipeline_key(key)[0] or DEFAULT_SOURCE) == source
