import { openKafkaLog } from '../streams/kafka/open-log.ts';
import type { KafkaOptions } from '../streams/kafka/connection.ts';
import type { Batch, NewRecord } from '../streams/log.ts';
import { readQuestion, writeDelta } from './support/bare-record.ts';

/**
 * A stage of the bare path, as a process of its own: reads topic `from` and appends to topic `to` without looking.
 * With `deltas` 0 it passes each record on; else it answers each with so many, at the pace that the record names.
 * Arguments: Kafka options as JSON, from, to, deltas.
 */
const [options = '{}', from = '', to = '', deltas = '0'] = process.argv.slice(2);
const perRecord = Number(deltas);

function fail(error: unknown): void {
  process.stderr.write(`a bare stage failed: ${String(error)}\n`);
  process.exit(1);
}

// Written by the bench that starts this program.
const log = await openKafkaLog(JSON.parse(options) as KafkaOptions);
const appender = log.openAppender('bare');

function append(value: Buffer): void {
  const record: NewRecord = { topic: to, partition: 0, key: 'bare', value };
  appender.append([record]).catch(fail);
}

function handle(batch: Batch): void {
  for (const { value } of batch.records) {
    if (value === null) continue;
    if (perRecord === 0) append(value);
    else answer(readQuestion(value), 0);
  }
}

function answer(question: ReturnType<typeof readQuestion>, from: number): void {
  for (let seq = from; seq < perRecord; seq += 1) {
    append(writeDelta(question.turn, seq));
    if (question.paceMs === 0 || seq === perRecord - 1) continue;
    setTimeout(() => answer(question, seq + 1), question.paceMs);
    return;
  }
}

const follower = log.openFollower({ name: 'bare', onBatch: handle, onFailure: fail });
await follower.add(from, 0, 'end');
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
