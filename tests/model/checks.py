"""The table of writes as checks in Promela: each write of the model must stand in it."""

from collections.abc import Iterator, Sequence

from tests.model.writes import Write

_STATUSES = {
    "absent": "ABSENT",
    "waiting": "WAITING",
    "delivered": "DELIVERED",
    "dead": "DEAD",
    "discarded": "DISCARDED",
}
_LANES = {"flowing": "FLOWING", "due": "DUE", "idle": "IDLE", "dead": "BEHIND_DEAD"}
_HEADS = {
    "none": "HEAD_NONE",
    "before": "HEAD_BEFORE",
    "itself": "HEAD_ITSELF",
    "after": "HEAD_AFTER",
}


def to_promela(rows: Sequence[Write]) -> str:
    """Inline checks of a write with a delivery, and of one that moves the lane alone."""
    deliveries = [row for row in rows if row.delivery != "-"]
    lanes = [row for row in rows if row.delivery == "-"]
    return "\n".join(
        (
            f"c_decl {{ static int row_reached[{len(rows)}]; }}",
            "inline CHECK(was, becomes, lane_was, lane_is, where) {",
            *_alternatives(rows, deliveries),
            "inline CHECK_LANE(lane_was, lane_is, where) {",
            *_alternatives(rows, lanes),
            "",
        )
    )


def _alternatives(rows: Sequence[Write], allowed: Sequence[Write]) -> Iterator[str]:
    yield "  if"
    for row in allowed:
        yield f"  :: {_condition(row)} -> {_reached(rows.index(row))}"
    yield "  :: else -> assert(false) /* a write that does not stand in the table */"
    yield "  fi"
    yield "}"


def _condition(row: Write) -> str:
    parts = [
        f"lane_was == {_LANES[row.lane]}",
        f"lane_is == {_LANES[row.lane_becomes]}",
        f"where == {_HEADS[row.head]}",
    ]
    if row.delivery != "-":
        parts = [
            f"was == {_STATUSES[row.delivery]}",
            f"becomes == {_STATUSES[row.becomes]}",
            *parts,
        ]
    return " && ".join(parts)


def _reached(number: int) -> str:
    """Outside the model's state: the checker says once that it came by."""
    return f'c_code {{ if (!row_reached[{number}]++) printf("row {number}\\n"); }}'
