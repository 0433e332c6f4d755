"""What people are told of an event, in either language, whatever a producer has written."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.chat.story import MOST_OF_A_MESSAGE, MOST_OF_A_NAME, Story
from lakehook.domain.chat.telling import Telling
from lakehook.domain.chat.text import Size, fitted, in_bytes, in_utf_16, on_one_line
from lakehook.domain.chat.words import words_in
from lakehook.domain.delivery import Delivery
from lakehook.domain.event import EventType
from lakehook.domain.language import Language
from lakehook.domain.ping import Ping
from lakehook.domain.pipeline import Advance, Pipeline
from lakehook.domain.stall import stall_of
from tests.builders import a_delivery, an_event
from tests.fakes import NOON

ENGLISH, CHINESE = Language.ENGLISH, Language.CHINESE
BEGAN, ENDED = "2024-09-05T15:00:00+08:00", "2024-09-05T16:05:09.5+08:00"


def told(delivery: Delivery, language: Language = ENGLISH) -> Telling:
    return Telling.of(Story.of(delivery), language)


def facts(language: Language = ENGLISH, **changes: object) -> dict[str, str]:
    return dict(told(a_delivery(**changes), language).facts)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("event_type", EventType)
def test_every_event_has_words_in_every_language(event_type: EventType, language: Language):
    telling = told(a_delivery(event_type=str(event_type), task={"id": 4}), language)

    assert "39" in telling.headline
    assert words_in(language).states[event_type.partition("_")[2]] in telling.headline
    assert ("4" in dict(telling.facts).values()) is not event_type.is_of_pipeline


def test_both_languages_say_the_same_things():
    english, chinese = (vars(words_in(language)) for language in (ENGLISH, CHINESE))

    for name in ("labels", "states", "triggers"):
        assert english[name].keys() == chinese[name].keys()


@pytest.mark.parametrize(
    ("changes", "english", "chinese"),
    [
        ({}, "湖: pipeline 39 failed", "湖：流水线 39 运行失败"),
        ({"project_name": ...}, "Pipeline 39 failed", "流水线 39 运行失败"),
        (
            {"source": "staging"},
            "湖: pipeline staging/39 failed",
            "湖：流水线 staging/39 运行失败",
        ),
        (
            {"event_type": "TASK_FAILED", "task": {"id": 4, "plugin": "jira"}},
            "湖: task 4 (jira) of pipeline 39 failed",
            "湖：流水线 39 的任务 4（jira） 运行失败",
        ),
        (
            {"event_type": "TASK_FAILED", "project_name": ...},
            "A task of pipeline 39 failed",
            "流水线 39 的一个任务 运行失败",
        ),
    ],
)
def test_the_headline_says_what_happened_to_what(
    changes: dict[str, object], english: str, chinese: str
):
    delivery = a_delivery(**{"event_type": "PIPELINE_FAILED", **changes})

    assert told(delivery, ENGLISH).headline == english
    assert told(delivery, CHINESE).headline == chinese


def test_the_facts_are_those_that_are_known():
    assert facts(event_type="PIPELINE_COMPLETED", began_at=BEGAN, finished_at=ENDED) == {
        "Project": "湖",
        "Pipeline": "39",
        "State": "completed",
        "Trigger": "blueprint 7",
        "Duration": "1 h 5 min",
        "Time": "2024-09-05 15:08:00+08:00",
    }


@pytest.mark.parametrize(
    ("trigger", "english", "chinese"),
    [
        ("manual", "by hand", "手动"),
        ("automatic", "automatic", "自动"),
        ("blueprint:x", "blueprint x", "蓝图 x"),
    ],
)
def test_every_trigger_has_words(trigger: str, english: str, chinese: str):
    assert facts(ENGLISH, trigger_source=trigger)["Trigger"] == english
    assert facts(CHINESE, trigger_source=trigger)["触发方式"] == chinese


def test_of_an_unknown_trigger_nothing_is_said():
    assert "Trigger" not in facts(ENGLISH, trigger_source="unknown")
    assert "触发方式" not in facts(CHINESE, trigger_source="unknown")


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
def test_a_duration_is_told_in_its_two_largest_units(ended: str, english: str, chinese: str):
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
def test_a_duration_is_told_only_where_the_times_allow_it(
    changes: dict[str, object], duration: str | None
):
    assert facts(**{"event_type": "PIPELINE_FAILED", **changes}).get("Duration") == duration


def test_a_stall_is_told_in_both_languages():
    advance = Pipeline("39").take(an_event(event_type="PIPELINE_CREATED"))
    assert isinstance(advance, Advance)
    stall = stall_of(advance.after(now=NOON), now=NOON + 900)
    delivery = a_delivery(**stall.document)

    assert told(delivery, ENGLISH).message == "Created for 15 min, and nothing new has been heard."
    assert told(delivery, CHINESE).message == "停留在“已创建”状态已达 15 分，其间未收到新消息。"
    assert facts(**stall.document)["Duration"] == "15 min"


@pytest.mark.parametrize(
    "data", [{}, {"state": 7, "seconds": 9}, {"state": "running"}, {"seconds": "9"}]
)
def test_a_stall_that_somebody_else_tells_is_told_in_his_words(data: dict[str, object]):
    delivery = a_delivery(event_type="PIPELINE_STALLED", message="it hangs", data=data)

    assert told(delivery, CHINESE).message == "it hangs"


def test_what_was_filled_in_and_what_comes_late_says_so():
    usual = a_delivery()
    odd = replace(a_delivery(inferred=True), late=True)

    assert told(usual).remarks == ()
    assert told(odd, CHINESE).remarks == (words_in(CHINESE).inferred, words_in(CHINESE).late)


def test_a_test_message_says_for_whom_it_is():
    ping = Ping("sub_a", "f00d", "2026-01-01T12:00:00Z")

    assert "sub_a" in Telling.of_ping(ping, ENGLISH).message
    assert Telling.of_ping(ping, CHINESE).headline == "Lakehook：测试消息"


@given(
    st.text(max_size=300), st.text(max_size=300), st.text(), st.from_type(type(None)) | st.text()
)
def test_a_name_is_on_one_bounded_line_that_can_be_seen(
    project: str, plugin: str, message: str, task_id: str | None
):
    telling = told(
        a_delivery(
            event_type="TASK_FAILED",
            project_name=project,
            task={"id": task_id, "plugin": plugin},
            message=message,
        )
    )

    for text in (telling.headline, *telling.lines, *telling.message.split("\n")):
        assert text.isprintable()
    assert len(telling.headline) <= 3 * MOST_OF_A_NAME + 50


def test_a_long_message_is_cut():
    telling = told(a_delivery(message="x" * 100_000))

    assert len(telling.message) == MOST_OF_A_MESSAGE
    assert telling.message.endswith("x…")


# --- text ---


@given(st.text(), st.integers(0, 40), st.sampled_from([len, in_bytes, in_utf_16]))
def test_what_is_cut_fits_and_is_a_whole_number_of_characters(text: str, most: int, size: Size):
    cut = fitted(text, most, size=size)

    assert size(cut) <= most
    assert cut == text if size(text) <= most else text.startswith(cut.removesuffix("…"))


@given(st.text("a&b", max_size=30), st.integers(1, 60))
def test_what_one_character_became_stays_whole(text: str, most: int):
    cut = fitted(text, most, write=lambda one: "&amp;" if one == "&" else one)

    assert len(cut) <= most
    assert cut.replace("&amp;", "&").removesuffix("…") in text


@given(st.text())
def test_a_line_has_no_spaces_around_it_nor_two_together(text: str):
    line = on_one_line(text, 1000)

    assert line == " ".join(line.split())
