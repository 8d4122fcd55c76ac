import type { EventLog } from '../../streams/event-log.ts';
import type { ConversationQueries } from '../../projections/conversations/queries.ts';
import type { Call } from '../call.ts';
import { knownEnd, type Terminal } from '../known-end.ts';
import { refuse } from '../problems.ts';
import type { Place } from '../token.ts';
import { createCatchUp } from './catch-up.ts';
import type { Accepted, FrameSink } from './frames.ts';
import { createRecordReader } from './record-reader.ts';
import { openReplyTail } from './reply-tail.ts';
import { openReader, type StreamReader } from './stream-reader.ts';

/** Every answer that streams through this gateway. */
export interface OpenStreams {
  readonly replyPartition: number;
  /** A lower bound of the offsets at which an answer asked for now can appear. */
  position(): number;
  count(): number;
  /** Throws `overloaded` if no further answer may stream. */
  checkRoom(): void;
  /** Opens the stream of a message that is about to be appended. */
  open(options: {
    accepted: Accepted;
    call: Call;
    fingerprint: string;
    sink: FrameSink;
    onFirstDelta: () => void;
    /** The stream ended, one way or another. */
    onClosed: () => void;
  }): StreamReader;
  /**
   * Shows an answer after a cursor, from its record if it is finished, else from its deltas, then live; `paced`: what
   * comes from the record comes as fast as it was made.
   */
  resume(options: {
    call: Call;
    place: Place;
    terminal: Terminal | null;
    cursor: number;
    sink: FrameSink;
    paced?: boolean;
  }): StreamReader;
  /** An answer that streams here right now, for its owner. */
  find(call: Call, inferenceId: string): { readonly place: Place; readonly fingerprint: string } | null;
  /** True while anybody here reads the answer. */
  isRead(inferenceId: string): boolean;
  /** Ends the streams of credentials that were withdrawn; their inferences go on. */
  checkCredentials(): void;
  /** Tells every client to go on elsewhere, also those that come from now on. */
  drain(): void;
  stop(): Promise<void>;
}

type Opened = {
  readonly reader: StreamReader;
  readonly place: Place;
  readonly principal: string;
  readonly fingerprint: string;
};

/** When a resumed stream that shows nothing asks the read model whether its answer is finished long ago. */
const FIRST_PROBE_MS = 300;
const PROBE_MS = 2_000;

export async function startOpenStreams(options: {
  readonly events: EventLog;
  readonly topics: { readonly conversations: string; readonly deltas: string };
  readonly partition: number;
  readonly maxOpen: number;
  readonly queries: ConversationQueries;
  readonly onPoison: () => void;
  readonly onFailure: (error: unknown) => void;
}): Promise<OpenStreams> {
  const { events, topics, queries, onPoison, onFailure } = options;
  const tail = await openReplyTail({
    events,
    topic: topics.deltas,
    partition: options.partition,
    onPoison,
    onFailure,
  });
  const catchUp = createCatchUp({ events, topic: topics.deltas, tail, onPoison, onFailure });
  const records = createRecordReader({ events, topic: topics.conversations, onFailure });
  /** With the call that opened each. */
  const readers = new Map<StreamReader, Call>();
  /** By inference: the stream of the message that was submitted here last. */
  const opened = new Map<string, Opened>();
  let draining = false;

  function onClose(reader: StreamReader): void {
    tail.release(reader);
    if (!readers.delete(reader)) return;
    catchUp.release(reader);
    const facts = opened.get(reader.inferenceId);
    if (facts?.reader === reader) opened.delete(reader.inferenceId);
  }

  function goBack(reader: StreamReader, place: Place): void {
    tail.release(reader);
    catchUp.release(reader);
    const terminal = terminalOf(place);
    if (terminal !== null) return showRecord(reader, terminal);
    catchUp.follow(reader, place.replyPartition, place.deltasFrom);
    probeLater(reader, place, FIRST_PROBE_MS);
  }

  /** The deltas may be gone: then only the record can answer. */
  function probeLater(reader: StreamReader, place: Place, millis: number): void {
    const timer = setTimeout(() => {
      if (!readers.has(reader) || !reader.isWaiting()) return;
      const terminal = terminalOf(place);
      if (terminal !== null) return showRecord(reader, terminal);
      probeLater(reader, place, PROBE_MS);
    }, millis);
    timer.unref();
  }

  function terminalOf({ tenantId, inferenceId }: Place): Terminal | null {
    return knownEnd(queries, tenantId, inferenceId);
  }

  function showRecord(reader: StreamReader, { partition, offset }: Terminal): void {
    records.read(partition, offset, reader.inferenceId).then(
      (recorded) => reader.showRecord(recorded),
      (error: unknown) => reader.fail(error),
    );
  }

  return {
    replyPartition: tail.partition,
    position: () => tail.position(),
    count: () => readers.size,
    checkRoom() {
      if (readers.size < options.maxOpen) return;
      throw refuse('overloaded', 'this gateway streams as many answers as it may', {
        fix: 'try again shortly',
      });
    },
    open({ accepted, call, fingerprint, sink, onFirstDelta, onClosed }) {
      const { place } = accepted;
      const reader = openReader({
        paced: false,
        inferenceId: place.inferenceId,
        place,
        sink,
        cursor: -1,
        accepted,
        readRecord: (partition, offset) => records.read(partition, offset, place.inferenceId),
        onAttached: (self, { replyPartition, deltasFrom }) =>
          goBack(self, { ...place, replyPartition, deltasFrom }),
        onFirstDelta,
        onClose(self) {
          onClose(self);
          onClosed();
        },
      });
      readers.set(reader, call);
      opened.set(place.inferenceId, { reader, place, principal: call.caller.principal, fingerprint });
      tail.register(reader, place.deltasFrom);
      if (draining) reader.drain();
      return reader;
    },
    resume({ call, place, terminal, cursor, sink, paced = false }) {
      const reader = openReader({
        paced,
        inferenceId: place.inferenceId,
        place,
        sink,
        cursor,
        accepted: null,
        readRecord: (partition, offset) => records.read(partition, offset, place.inferenceId),
        onAttached: (self, { replyPartition, deltasFrom }) =>
          goBack(self, { ...place, replyPartition, deltasFrom }),
        onFirstDelta: () => undefined,
        onClose,
      });
      readers.set(reader, call);
      if (draining) reader.drain();
      if (terminal === null) goBack(reader, place);
      else showRecord(reader, terminal);
      return reader;
    },
    find(call, inferenceId) {
      const found = opened.get(inferenceId);
      const { tenantId, principal } = call.caller;
      return found !== undefined && found.place.tenantId === tenantId && found.principal === principal
        ? found
        : null;
    },
    isRead: (inferenceId) => [...readers.keys()].some((reader) => reader.inferenceId === inferenceId),
    checkCredentials() {
      for (const [reader, call] of [...readers])
        if (call.isValid?.() === false)
          reader.fail(refuse('invalid_api_key', 'the API key was withdrawn', { fix: 'use another one' }));
    },
    drain() {
      draining = true;
      for (const reader of readers.keys()) reader.drain();
    },
    async stop() {
      for (const reader of [...readers.keys()]) reader.breakOff();
      await Promise.all([tail.stop(), catchUp.stop(), records.stop()]);
    },
  };
}
