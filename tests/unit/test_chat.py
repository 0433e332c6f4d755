"""Notifications of events in either language, whatever a producer has written."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehook.domain.channels.localization import translations_for
from lakehook.domain.channels.notification import (
    MAX_NAME_CHARACTERS,
    Notification,
    NotificationFacts,
)
from lakehook.domain.delivery import Delivery
from lakehook.domain.event import EventType
from lakehook.domain.pipeline import Pipeline, PipelineTransition, stalled_event
from lakehook.domain.queue_message import Ping
from lakehook.domain.subscription import Language, Locale
from lakehook.domain.text import Size, single_line, truncate, utf8_size, utf16_size
from tests.builders import a_delivery, an_event
from tests.fakes import NOON

ENGLISH, CHINESE = Language.ENGLISH, Language.CHINESE
BEGAN, ENDED = "2024-09-05T15:00:00+08:00", "2024-09-05T16:05:09.5+08:00"


def notification_of(delivery: Delivery, language: Language = ENGLISH) -> Notification:
    return Notification.from_facts(NotificationFacts.from_delivery(delivery), Locale(language))


def facts(language: Language = ENGLISH, **changes: object) -> dict[str, str]:
    return dict(notification_of(a_delivery(**changes), language).facts)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("event_type", EventType)
def test_every_event_has_a_headline_in_every_language(event_type: EventType, language: Language):
    telling = notification_of(a_delivery(event_type=str(event_type), task={"id": 4}), language)

    assert "39" in telling.headline
    assert translations_for(language).states[event_type.partition("_")[2]] in telling.headline
    assert ("4" in dict(telling.facts).values()) is not event_type.is_of_pipeline


def test_both_languages_say_the_same_things():
    english, chinese = (vars(translations_for(language)) for language in (ENGLISH, CHINESE))

    for name in ("labels", "states", "triggers"):
        assert english[name].keys() == chinese[name].keys()


@pytest.mark.parametrize(
    ("changes", "english", "chinese"),
    [
        ({}, "湖: pipeline 39 failed", "湖：流水线 39 运行失败"),
        ({"project_name": ...}, "Pipeline 39 failed", "流水线 39 运行失败"),
        ({"source": "a"}, "湖: pipeline a/39 failed", "湖：流水线 a/39 运行失败"),
        (
            {"event_type": "TASK_FAILED", "task": {"id": 4, "plugin": "jira"}},
            "湖: task 4 (jira) of pipeline 39 failed",
            "湖：流水线 39 的任务 4（jira）运行失败",
        ),
        (
            {"event_type": "TASK_FAILED", "project_name": ...},
            "A task of pipeline 39 failed",
            "流水线 39 的一个任务运行失败",
        ),
    ],
)
def test_the_headline_has_the_event_and_its_pipeline(
    changes: dict[str, object], english: str, chinese: str
):
    delivery = a_delivery(**{"event_type": "PIPELINE_FAILED", **changes})

    assert notification_of(delivery, ENGLISH).headline == english
    assert notification_of(delivery, CHINESE).headline == chinese


def test_the_facts_are_those_that_are_known():
    fields = {"source": "staging", "pipeline_name": "nightly", "began_at": BEGAN}
    assert facts(event_type="PIPELINE_COMPLETED", **fields, finished_at=ENDED) == {
        "Project": "湖",
        "Pipeline": "staging/39 (nightly)",
        "Trigger": "blueprint 7",
        "Duration": "1 h 5 min",
        "Time": "2024-09-05 15:08:00 UTC+08:00",
    }


@pytest.mark.parametrize(
    ("zone", "at", "expected"),
    [
        ("", "2026-07-01T12:00:00Z", "2026-07-01 12:00:00 UTC"),
        ("Asia/Shanghai", "2026-07-01T20:00:00.5Z", "2026-07-02 04:00:00 UTC+08:00"),
        ("Europe/Berlin", "2026-07-01T12:00:00+08:00", "2026-07-01 06:00:00 UTC+02:00"),
        ("Europe/Berlin", "2026-01-01T12:00:00+08:00", "2026-01-01 05:00:00 UTC+01:00"),
        ("America/New_York", "0001-01-01T00:00:00Z", "0001-01-01 00:00:00 UTC"),  # on no calendar
        ("Mars/Olympus", "2026-07-01T12:00:00Z", "2026-07-01 12:00:00 UTC"),  # of a later release
    ],
)
def test_the_time_is_that_of_the_readers(zone: str, at: str, expected: str):
    locale = Locale(time_zone=zone)
    delivery = a_delivery(timestamp=at)

    notification = Notification.from_facts(NotificationFacts.from_delivery(delivery), locale)

    assert notification.facts[-1] == ("Time", expected)


@pytest.mark.parametrize(
    ("trigger", "english", "chinese"),
    [
        ("manual", "by hand", "手动"),
        ("automatic", "automatic", "自动"),
        ("blueprint:x", "blueprint x", "蓝图 x"),
        ("unknown", None, None),
    ],
)
def test_every_trigger_has_a_text(trigger: str, english: str | None, chinese: str | None):
    assert facts(ENGLISH, trigger_source=trigger).get("Trigger") == english
    assert facts(CHINESE, trigger_source=trigger).get("触发方式") == chinese


@pytest.mark.parametrize(
    ("ended", "english", "chinese"),
    [
        ("2024-09-05T15:00:00.9+08:00", "0 s", "0 秒"),
        ("2024-09-05T15:00:59+08:00", "59 s", "59 秒"),
        ("2024-09-05T15:05:12+08:00", "5 min 12 s", "5 分 12 秒"),
        ("2024-09-05T16:00:12+08:00", "1 h", "1 小时"),
        ("2024-09-07T15:59:00+08:00", "2 d", "2 天"),
        ("2024-09-07T17:59:00+08:00", "2 d 2 h", "2 天 2 小时"),
        ("2024-09-05T07:05:00Z", "5 min", "5 分"),
    ],
)
def test_a_duration_has_its_two_largest_units(ended: str, english: str, chinese: str):
    changes = {"event_type": "PIPELINE_FAILED", "began_at": BEGAN, "finished_at": ended}

    assert facts(ENGLISH, **changes)["Duration"] == english
    assert facts(CHINESE, **changes)["耗时"] == chinese


@pytest.mark.parametrize(
    ("changes", "duration"),
    [
        ({"began_at": BEGAN}, "8 min"),  # to the time of the event
        ({}, None),
        ({"began_at": ENDED}, None),  # before it began
        ({"event_type": "PIPELINE_RUNNING", "began_at": BEGAN}, None),  # it lasts still
        (
            {
                "event_type": "TASK_FAILED",
                "began_at": BEGAN,
                "task": {"began_at": "2024-09-05T15:07:00+08:00"},
            },
            "1 min",
        ),
        ({"event_type": "TASK_FAILED", "began_at": BEGAN, "task": {"began_at": 7}}, None),
    ],
)
def test_a_duration_is_shown_only_if_the_times_allow_it(
    changes: dict[str, object], duration: str | None
):
    assert facts(**{"event_type": "PIPELINE_FAILED", **changes}).get("Duration") == duration


def test_a_stall_has_a_text_in_both_languages():
    advance = Pipeline("39").apply(an_event(event_type="PIPELINE_CREATED"))
    assert isinstance(advance, PipelineTransition)
    stall = stalled_event(advance.after(now=NOON), now=NOON + 900)
    delivery = a_delivery(**stall.document)

    assert (
        notification_of(delivery, ENGLISH).message
        == "Created for 15 min, and no change of state was reported."
    )
    assert (
        notification_of(delivery, CHINESE).message
        == "停留在“已创建”状态已达 15 分，其间未收到状态变化。"
    )
    assert facts(**stall.document)["Duration"] == "15 min"


def test_a_stall_that_a_producer_publishes_keeps_its_message():
    for data in ({}, {"state": 7, "seconds": 9}, {"state": "running"}, {"seconds": "9"}):
        delivery = a_delivery(event_type="PIPELINE_STALLED", message="it hangs", data=data)

        assert notification_of(delivery, CHINESE).message == "it hangs"


def test_an_inferred_or_late_event_has_a_remark():
    ordinary = a_delivery()
    odd = replace(a_delivery(inferred=True), late=True)

    assert notification_of(ordinary).remarks == ()
    assert notification_of(odd, CHINESE).remarks == (
        translations_for(CHINESE).inferred,
        translations_for(CHINESE).late,
    )


def test_a_test_message_says_for_whom_it_is():
    ping = Ping("sub_a", "f00d", "2026-01-01T12:00:00Z")

    assert "sub_a" in Notification.from_ping(ping, Locale()).message
    assert Notification.from_ping(ping, Locale(CHINESE)).headline == "Lakehook：测试消息"


# --- tasks and errors of a pipeline ---

NESTED = (
    "Error running pipeline 39.\n"
    "Wraps: (2) Error running task 131.\n"
    "  | Wraps: (2) subtask sleep ended unexpectedly\n"
    "  | Error types: (1) *hintdetail.withDetail (2) *errors.errorString\n"
    "Error types: (1) *hintdetail.withDetail (2) *hintdetail.withDetail"
)


def a_failed_task(number: int, **changes: object) -> dict[str, object]:
    task = {"id": number, "plugin": "jira", "status": "TASK_FAILED", "message": "401"}
    return {name: value for name, value in (task | changes).items() if value is not ...}


def counted(total: int, finished: int, *failed: dict[str, object]) -> dict[str, object]:
    return {"total_tasks": total, "finished_tasks": finished, "failed_tasks": list(failed)}


@pytest.mark.parametrize(
    ("changes", "english", "chinese"),
    [
        ({"total_tasks": 9}, "9", "9"),
        ({"total_tasks": 9, "finished_tasks": 7}, "7 of 9 finished", "共 9 个，已结束 7 个"),
        (
            counted(9, 7, a_failed_task(1)),
            "7 of 9 finished, 1 of them failed",
            "共 9 个，已结束 7 个，其中失败 1 个",
        ),
        (
            counted(9, 9, a_failed_task(1), a_failed_task(2, status="TASK_CANCELLED")),
            "9 of 9 finished, 1 of them failed",
            "共 9 个，已结束 9 个，其中失败 1 个",
        ),
        (
            counted(40, 40, *(a_failed_task(number) for number in range(10))),
            "40 of 40 finished, 10 or more of them failed",
            "共 40 个，已结束 40 个，其中失败至少 10 个",
        ),
        (
            {"total_tasks": 9, "finished_tasks": 12},  # DevLake counts those of all runs
            "9, run 12 times with reruns",
            "共 9 个，含重跑共执行 12 次",
        ),
        ({"total_tasks": 0, "finished_tasks": 0}, None, None),
        ({"finished_tasks": 7}, None, None),
        ({"event_type": "TASK_FAILED", "total_tasks": 9}, None, None),
    ],
)
def test_tasks_are_counted_as_far_as_it_is_true(
    changes: dict[str, object], english: str | None, chinese: str | None
):
    changes = {"event_type": "PIPELINE_FAILED", **changes}

    assert facts(ENGLISH, **changes).get("Tasks") == english
    assert facts(CHINESE, **changes).get("任务数") == chinese


@pytest.mark.parametrize(
    ("changes", "duration"),
    [
        ({"spent_seconds": 65.9}, "1 min 5 s"),
        ({"spent_seconds": 0}, "0 s"),
        ({"spent_seconds": 65, "began_at": BEGAN, "finished_at": ENDED}, "1 h 5 min"),
        ({"spent_seconds": 65, "event_type": "PIPELINE_RUNNING"}, None),
        ({"spent_seconds": 65, "event_type": "TASK_FAILED"}, None),
    ],
)
def test_without_its_times_it_has_lasted_as_long_as_it_says(
    changes: dict[str, object], duration: str | None
):
    assert facts(**{"event_type": "PIPELINE_FAILED", **changes}).get("Duration") == duration


def test_three_of_the_tasks_that_failed_say_why_and_the_others_are_counted():
    tasks = [
        a_failed_task(131),
        a_failed_task(132, plugin="", message=...),
        a_failed_task(133, status="TASK_CANCELLED", message=...),
        a_failed_task(134),
        a_failed_task(135),
    ]
    delivery = a_delivery(event_type="PIPELINE_FAILED", message=NESTED, failed_tasks=tasks)

    assert notification_of(delivery, ENGLISH).message.split("\n") == [
        "Error running pipeline 39.",
        "Failed tasks:",
        "131 (jira): 401",
        "132",
        "133 (jira): cancelled",
        "and 2 more",
    ]
    assert notification_of(delivery, CHINESE).message.split("\n")[1:] == [
        "失败的任务：",
        "131（jira）：401",
        "132",
        "133（jira）：已取消",
        "另有 2 个",
    ]


@pytest.mark.parametrize(
    ("count", "last"),
    [(3, "3 (jira): 401"), (4, "and 1 more"), (9, "and 6 more"), (10, "and 7 or more others")],
)
def test_no_more_tasks_are_counted_as_failed_than_are_known(count: int, last: str):
    tasks = [a_failed_task(number) for number in range(1, count + 1)]

    message = notification_of(a_delivery(event_type="PIPELINE_PARTIAL", failed_tasks=tasks)).message

    assert message.split("\n")[-1] == last


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            NESTED,
            "Error running pipeline 39: Error running task 131: subtask sleep ended unexpectedly",
        ),
        ("jira: 401\nUnauthorized", "jira: 401\nUnauthorized"),
        (f"x\nWraps: (2) {'y' * 5000}", f"x: {'y' * 996}…"),
    ],
)
def test_a_nested_error_is_one_line_and_other_texts_stay(message: str, expected: str):
    assert (
        notification_of(a_delivery(event_type="PIPELINE_FAILED", message=message)).message
        == expected
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://lake:4000/a%20b?c=d&e#f", "http://lake:4000/a%20b?c=d&e#f"),
        ("https://x/a|<b>)]\"'`\\", "https://x/a%7C%3Cb%3E%29%5D%22%27%60%5C"),
    ],
)
def test_the_link_goes_where_the_event_says_and_breaks_out_of_no_markup(url: str, expected: str):
    link = notification_of(a_delivery(pipeline_url=url)).link

    assert link
    assert link.url == expected
    assert notification_of(a_delivery(pipeline_url=url), CHINESE).link == replace(
        link, text="查看流水线"
    )
    assert notification_of(a_delivery()).link is None
    assert notification_of(a_delivery(pipeline_url="http://[fd00::1]/")).link is None, (
        "no markup can hold it"
    )


@settings(max_examples=40)
@given(
    st.text(max_size=300), st.text(max_size=300), st.text(), st.from_type(type(None)) | st.text()
)
def test_a_name_is_on_one_bounded_line_that_can_be_seen(
    project: str, plugin: str, message: str, task_id: str | None
):
    telling = notification_of(
        a_delivery(
            event_type="TASK_FAILED",
            project_name=project,
            task={"id": task_id, "plugin": plugin},
            message=message,
        )
    )

    for text in (telling.headline, *telling.lines, *telling.message.split("\n")):
        assert text.isprintable()
    assert len(telling.headline) <= 3 * MAX_NAME_CHARACTERS + 50


# --- text ---


@given(st.text(), st.integers(0, 40), st.sampled_from([len, utf8_size, utf16_size]))
def test_a_truncated_text_fits_and_has_whole_characters(text: str, limit: int, size: Size):
    cut = truncate(text, limit, size=size)

    assert size(cut) <= limit
    assert cut == text if size(text) <= limit else text.startswith(cut.removesuffix("…"))


@given(st.text("a&b", max_size=30), st.integers(1, 60))
def test_an_escaped_character_is_not_truncated_within(text: str, limit: int):
    cut = truncate(text, limit, encode=lambda character: "&amp;" if character == "&" else character)

    assert len(cut) <= limit
    assert cut.replace("&amp;", "&").removesuffix("…") in text


@given(st.text())
def test_a_line_has_no_spaces_around_it_nor_two_together(text: str):
    line = single_line(text, 1000)

    assert line == " ".join(line.split())
