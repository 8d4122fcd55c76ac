"""Prints one line for each turn: what was asked from conversations.v1, how it ended from turns.v1.

Stops at SIGTERM or Ctrl-C and goes on where it was when started again.
"""

import argparse
import signal
from types import FrameType

from confluent_kafka import Consumer, Message
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from turn_store import KNOWN, Event, MessageSubmitted, TurnMeasured, TurnStore

BATCH = 500
POLL_SECONDS = 1.0


class EventReader:
    """Decodes records by the schema id in their bytes, into the newest schema the registry had at the start.

    What older and newer programs write is read as that shape.
    """

    def __init__(self, registry: str, topics: dict[str, str]) -> None:
        client = SchemaRegistryClient({"url": registry})
        self._deserializers = {
            event: AvroDeserializer(
                client,
                client.get_latest_version(f"{topic}-steno.events.{event}").schema,
                conf={"subject.name.strategy.type": "TOPIC_RECORD"},
            )
            for event, topic in topics.items()
        }

    def read(self, message: Message) -> Event | None:
        """Returns the event in a record, or None if this program does not know its type."""
        headers = dict(message.headers() or [])
        name = (headers.get("ce_type") or b"").decode().removeprefix("steno.events.")
        if name not in self._deserializers:
            return None
        context = SerializationContext(message.topic(), MessageField.VALUE)
        return KNOWN[name].of(self._deserializers[name](message.value(), context))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brokers", default="127.0.0.1:9092")
    parser.add_argument("--registry", default="http://127.0.0.1:8081")
    parser.add_argument("--prefix", default="steno")
    parser.add_argument("--group", default="turn-lines")
    parser.add_argument("--state", default="turns.sqlite")
    options = parser.parse_args()
    conversations = f"{options.prefix}.conversations.v1"
    turns = f"{options.prefix}.turns.v1"

    running = True

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

    events = EventReader(
        options.registry, {MessageSubmitted.__name__: conversations, TurnMeasured.__name__: turns}
    )
    store = TurnStore(options.state)
    consumer = Consumer(
        {
            "bootstrap.servers": options.brokers,
            "group.id": options.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([conversations, turns])
    try:
        while running:
            messages = consumer.consume(BATCH, timeout=POLL_SECONDS)
            for message in messages:
                if message.error() is not None:
                    raise RuntimeError(message.error().str())
            found = [event for event in map(events.read, messages) if event is not None]
            # The rows are the result: they are safe before the offsets say so. After a crash in between, the events
            # come again and their ids are known.
            for line in store.apply(found):
                print(line, flush=True)
            if messages:
                consumer.commit(asynchronous=False)
    finally:
        consumer.close()
        store.close()


if __name__ == "__main__":
    main()
