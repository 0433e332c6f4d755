"""The console in Chinese: each sentence of its pages, and each value that operations show."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import lakehook.console
from lakehook.console.app import NAVIGATION
from lakehook.console.rendering import Translator, catalogue
from lakehook.domain.attempt import Outcome
from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane, SuspendedReason
from lakehook.domain.pipeline import PipelineState, SkipReason
from lakehook.domain.status import DeliveryContext, HealthState, SubscriptionState, next_action
from lakehook.domain.subscription import Language, Ordering
from tests.builders import a_delivery, a_subscription
from tests.fakes import NOON

CONSOLE = Path(lakehook.console.__file__).parent
TEXT = r"\"((?:[^\"\\]|\\.)+)\"|'((?:[^'\\]|\\.)+)'"
TRANSLATED = re.compile(rf"\b(?:t|self|translator\(\))\(\s*(?:{TEXT})")
COUNTED = re.compile(r'\b(?:tn|plural)\(\s*"(?:[^"\\]|\\.)+",\s*"((?:[^"\\]|\\.)+)"')
UNITS = {f"{{n}} {unit}" for unit in ("d", "h", "min", "s")}
CHINESE = Translator(Language.CHINESE)


def sentences_of_pages() -> set[str]:
    sources = [*CONSOLE.rglob("*.html"), *CONSOLE.rglob("*.py")]
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    single = {"".join(parts) for parts in TRANSLATED.findall(text)} - {"{n} "}
    return single | set(COUNTED.findall(text)) | {label for *_, label in NAVIGATION} | UNITS


def test_each_sentence_has_both_languages_and_none_is_left_over():
    assert set(catalogue()["pages"]) == sentences_of_pages()


def test_both_languages_have_the_same_places():
    for sentences in catalogue().values():
        for english, chinese in sentences.items():
            assert places(english) == places(chinese), english


def places(sentence: str) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", sentence))


def test_each_value_of_the_operations_is_translated():
    values = {
        str(value)
        for kind in (
            HealthState,
            SubscriptionState,
            DeliveryStatus,
            Outcome,
            Ordering,
            PipelineState,
            SkipReason,
        )
        for value in kind
    }

    assert values <= set(catalogue()["operations"])


def held_at(head: int, suspended: SuspendedReason | None = None, attempts: int = 0) -> HeldLane:
    held = replace(HeldLane.held_at(a_delivery().lane, head, now=NOON), attempts=attempts)
    return held.suspended_for(suspended) if suspended else replace(held, due_at=NOON)


DOWN = EndpointHealth(subscription_id="sub_a", due_at=NOON)
CONTEXTS = [
    DeliveryContext(a_subscription()),
    DeliveryContext(a_subscription(paused_at="now")),
    DeliveryContext(a_subscription(disabled_reason="410 Gone")),
    DeliveryContext(None),
]
for head in (1, 2):
    lanes = [held_at(head, attempts=1), *(held_at(head, why) for why in (None, *SuspendedReason))]
    CONTEXTS += [DeliveryContext(a_subscription(), lane) for lane in lanes]
    CONTEXTS += [DeliveryContext(a_subscription(), lanes[0], health=DOWN)]


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_next_action_is_translated_to_chinese(context: DeliveryContext):
    record = DeliveryRecord.waiting(a_delivery(2))

    sentence = CHINESE.of(next_action(record, context).description)

    assert not re.search(r"[a-z]{3}", sentence.replace("410 Gone", "")), sentence
    assert CHINESE.of("the receiver asked for it (410)") == "接收方要求停用（410）"
