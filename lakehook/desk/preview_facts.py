"""What is told of a preview."""

from typing import Any

from lakehook.preview import Preview


def preview_facts(previewed: Preview) -> dict[str, Any]:
    return {
        "subject": previewed.subject,
        "headers": previewed.headers,
        "body": previewed.body,
        "html": previewed.html,
        "warnings": preview_warnings(previewed),
    }


def preview_warnings(previewed: Preview) -> list[str]:
    return [f"{name[:100]}: this event has no such field" for name in previewed.unknown]
