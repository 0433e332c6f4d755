"""Differences of DevLake's releases and databases, looked up in the tags of its repository."""

import string
from dataclasses import dataclass

from tests.devlake.rows import CANCELLED, FAILED

LETTERS = string.ascii_letters
"""``randSeq`` (services/notification.go up to v0.17)."""

LETTERS_AND_DIGITS = string.ascii_letters + string.digits
"""``letterBytes`` of ``RandLetterBytes`` (core/utils/strings.go since v0.18)."""


@dataclass(frozen=True)
class Release:
    """Rules of a release: when a notification is sent, and with which fields."""

    alphabet: str = LETTERS_AND_DIGITS
    names_project: bool = True  # since v1.0.1 (services/pipeline_notification.go)
    needs_blueprint: bool = False  # v1.0.1 alone (getProjectName in services/pipeline.go)
    posts_beginnings: bool = True  # CREATED and RUNNING, since v1.0.2 (pull request 8431)
    starts_before_commit: bool = False  # v1.0.2 alone (issue 8525, fixed by 8526)
    cancelled: str = CANCELLED  # of a pipeline that ran: FAILED up to v1.0.3 (pull request 8832)


NEWEST = Release()  # 420e494
V1_0_3 = Release(cancelled=FAILED)
V1_0_2 = Release(cancelled=FAILED, starts_before_commit=True)
V1_0_1 = Release(cancelled=FAILED, posts_beginnings=False, needs_blueprint=True)
V1_0_0 = Release(cancelled=FAILED, posts_beginnings=False, names_project=False)
V0_17 = Release(LETTERS, cancelled=FAILED, posts_beginnings=False, names_project=False)


@dataclass(frozen=True)
class Database:
    """``locks_tables``: its locks hold a goroutine back until the transaction is over (seen)."""

    digits: int  # of a second
    locks_tables: bool


MYSQL, POSTGRESQL = Database(3, locks_tables=True), Database(6, locks_tables=False)
