"""Reads a whole file of subscriptions."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakehook.apply.entry import Entry
from lakehook.apply.entry_reader import EntryReader
from lakehook.apply.manuscript import Manuscript, Proofreader, Reveal
from lakehook.domain.subscription import Subscription
from lakehook.subscribe import Subscribe

ROOT = "subscriptions"


@dataclass(frozen=True)
class ReadEntries:
    subscribe: Subscribe
    reveal: Reveal

    def __call__(self, manuscript: Manuscript, in_force: Sequence[Subscription]) -> Sequence[Entry]:
        """All that the file wants, or ``BadFile`` with all that is wrong with it."""
        proofreader = Proofreader(manuscript)
        written = list(_written(proofreader))
        _refuse_twins(written, proofreader)
        bearers: dict[str, list[Subscription]] = defaultdict(list)
        for one in in_force:
            bearers[one.name].append(one)
        entries = [self._read(proofreader, bearers, index, one) for index, one in written]
        proofreader.refuse_faults()
        return [entry for entry in entries if entry]

    def _read(
        self,
        proofreader: Proofreader,
        bearers: Mapping[str, Sequence[Subscription]],
        index: int,
        written: Mapping[str, Any],
    ) -> Entry | None:
        return EntryReader(
            proofreader=proofreader,
            reveal=self.reveal,
            subscribe=self.subscribe,
            bearers=bearers,
            index=index,
            written=written,
        )()


def _written(proofreader: Proofreader) -> Iterator[tuple[int, Mapping[str, Any]]]:
    document = proofreader.manuscript.document
    if not isinstance(document, dict) or not isinstance(document.get(ROOT), list):
        proofreader.blame(what=ROOT, why="a list of mappings under this key is what it takes")
        return
    for key in (one for one in document if one != ROOT):
        proofreader.blame(key, what=key, why=f"no such key; {ROOT} is the only one")
    for index, one in enumerate(document[ROOT]):
        if isinstance(one, dict):
            yield index, one
        else:
            proofreader.blame(ROOT, index, what=f"{ROOT}[{index}]", why="is no mapping")


def _refuse_twins(
    written: Sequence[tuple[int, Mapping[str, Any]]], proofreader: Proofreader
) -> None:
    names = Counter(one["name"] for _, one in written if isinstance(one.get("name"), str))
    for name in (name for name, count in names.items() if count > 1):
        *_, last = (index for index, one in written if one.get("name") == name)
        proofreader.blame(
            ROOT, last, "name", what=f"name of {name}", why=f"{names[name]} entries bear it"
        )
