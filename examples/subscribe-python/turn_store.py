"""The subscriber's own rows: one for each turn, and the id of every event they hold."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

TABLES = """
  CREATE TABLE IF NOT EXISTS seen (event_id TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS turns (
    message_id TEXT PRIMARY KEY, kind TEXT, transport TEXT,
    outcome TEXT, model TEXT, prompt_tokens INTEGER, completion_tokens INTEGER, total_millis INTEGER
  ) WITHOUT ROWID"""


@dataclass(frozen=True)
class Event:
    """The fields this program needs; a record may hold more."""

    eventId: str
    correlationId: str

    @classmethod
    def of(cls, record: dict[str, Any]) -> "Event":
        return cls(**{field.name: record[field.name] for field in fields(cls)})


@dataclass(frozen=True)
class MessageSubmitted(Event):
    kind: str
    transport: str


@dataclass(frozen=True)
class TurnMeasured(Event):
    outcome: str
    model: str
    promptTokens: int
    completionTokens: int
    totalMillis: int


KNOWN: dict[str, type[Event]] = {known.__name__: known for known in (MessageSubmitted, TurnMeasured)}


class TurnStore:
    """Rows in the file `path`, which is made if it is not there."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.executescript(TABLES)

    def apply(self, events: Iterable[Event]) -> list[str]:
        """Applies events in one transaction and returns one line for each turn that they completed.

        An event applied before changes nothing.
        """
        self._database.execute("BEGIN IMMEDIATE")
        try:
            lines = [line for event in events if (line := self._apply_one(event)) is not None]
            self._database.execute("COMMIT")
            return lines
        except BaseException:
            self._database.execute("ROLLBACK")
            raise

    def close(self) -> None:
        self._database.close()

    def _apply_one(self, event: Event) -> str | None:
        if self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", [event.eventId]).rowcount == 0:
            return None
        match event:
            case MessageSubmitted():
                self._database.execute(
                    """INSERT INTO turns (message_id, kind, transport) VALUES (?, ?, ?)
                       ON CONFLICT DO UPDATE SET kind = excluded.kind, transport = excluded.transport""",
                    [event.correlationId, event.kind, event.transport],
                )
            case TurnMeasured():
                self._database.execute(
                    """INSERT INTO turns
                         (message_id, outcome, model, prompt_tokens, completion_tokens, total_millis)
                       VALUES (?, ?, ?, ?, ?, ?)
                       ON CONFLICT DO UPDATE SET outcome = excluded.outcome, model = excluded.model,
                         prompt_tokens = excluded.prompt_tokens, completion_tokens = excluded.completion_tokens,
                         total_millis = excluded.total_millis""",
                    [
                        event.correlationId,
                        event.outcome,
                        event.model,
                        event.promptTokens,
                        event.completionTokens,
                        event.totalMillis,
                    ],
                )
        # The halves of a turn come from two topics, in either order: whichever is last completes it.
        row = self._database.execute(
            """SELECT message_id, kind, transport, outcome, model, prompt_tokens, completion_tokens, total_millis
               FROM turns WHERE message_id = ? AND kind IS NOT NULL AND outcome IS NOT NULL""",
            [event.correlationId],
        ).fetchone()
        if row is None:
            return None
        message_id, kind, transport, outcome, model, prompt, completion, millis = row
        return f"{message_id} {kind} over {transport}: {outcome}, {model}, {prompt} + {completion} tokens, {millis} ms"
