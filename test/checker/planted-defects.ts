import type { Evidence } from './evidence.ts';
import {
  aStream,
  changed,
  need,
  otherTenant,
  withFrames,
  withLog,
  withMessage,
  without,
  withPrompt,
} from './spoil.ts';

/** Something that went wrong in a run that was right: the checker must find it, under this promise. */
export type Defect = {
  readonly name: string;
  readonly promise: string;
  /** Throws where the evidence has nothing to spoil. */
  readonly plant: (evidence: Evidence) => Evidence;
};

const place = { topic: 'x.conversations.v1', partition: 0, offset: 1 };

export const plantedDefects: readonly Defect[] = [
  {
    name: 'a terminal event is lost',
    promise: 'P1',
    plant: (run) => without(run, 'conversations', 'InferenceCompleted'),
  },
  {
    name: 'an accepted message is not on the log',
    promise: 'P1',
    plant: (run) => without(run, 'conversations', 'MessageSubmitted'),
  },
  {
    name: 'a client is never told the end',
    promise: 'P1',
    plant: (run) => withMessage(run, () => ({ outcome: null })),
  },
  { name: 'a turn is not measured', promise: 'P1', plant: (run) => without(run, 'turns', 'TurnMeasured') },
  {
    name: 'a turn is measured twice',
    promise: 'P1',
    plant: (run) => changed(run, 'turns', 'TurnMeasured', { eventId: 'evt_other' }, 'add'),
  },
  {
    name: 'a key makes two inferences',
    promise: 'P2',
    plant: (run) => ({ ...run, messages: [...run.messages, { ...aStream(run), inferenceId: 'inf_other' }] }),
  },
  {
    name: 'a message is asked twice',
    promise: 'P2',
    plant: (run) => changed(run, 'conversations', 'MessageSubmitted', { inferenceId: 'inf_other' }, 'add'),
  },
  {
    name: 'an inference is requested with another prompt',
    promise: 'P2',
    plant: (run) => changed(run, 'requests', 'InferenceRequested', { promptHash: 'other' }, 'add'),
  },
  {
    name: 'a delta is shown twice',
    promise: 'P3',
    plant: (run) =>
      withFrames(run, (frames) => frames.flatMap((frame, index) => (index === 3 ? [frame, frame] : [frame]))),
  },
  {
    name: 'a delta is not shown',
    promise: 'P3',
    plant: (run) => withFrames(run, (frames) => frames.toSpliced(2, 1)),
  },
  {
    name: 'two deltas are shown in the wrong order',
    promise: 'P3',
    plant: (run) => withFrames(run, ([a, b, c, ...rest]) => [need(a), need(c), need(b), ...rest]),
  },
  {
    name: 'half an answer is shown as a whole',
    promise: 'P3',
    plant: (run) => withFrames(run, (frames) => frames.slice(0, 3)),
  },
  {
    name: 'a failure is shown as a success',
    promise: 'P3',
    plant: (run) => withMessage(run, () => ({ outcome: 'cancelled' })),
  },
  {
    name: 'a recorded text is truncated',
    promise: 'P3',
    plant: (run) =>
      changed(run, 'conversations', 'InferenceCompleted', {
        content: { text: 'half', sealed: null, keyId: null },
      }),
  },
  {
    name: 'a text hash is wrong',
    promise: 'P3',
    plant: (run) => changed(run, 'conversations', 'InferenceCompleted', { textHash: '00' }),
  },
  {
    name: 'the deltas of a record are not all there',
    promise: 'P3',
    plant: (run) => changed(run, 'conversations', 'InferenceCompleted', { deltaBytes: [1] }),
  },
  {
    name: 'the end that is told is not the one recorded',
    promise: 'P3',
    plant: (run) => changed(run, 'deltas', 'InferenceEnded', { textHash: '00' }),
  },
  {
    name: 'a delta is missing in the middle of the reply partition',
    promise: 'P3',
    plant: (run) => without(run, 'deltas', 'InferenceDelta'),
  },
  {
    name: 'a resume begins too early',
    promise: 'P4',
    plant: (run) =>
      withFrames(run, (frames) =>
        frames.map((frame, index) => (index < 3 ? frame : { ...frame, connection: 99, after: 3 })),
      ),
  },
  {
    name: 'a row is missing',
    promise: 'P5',
    plant: (run) => ({
      ...run,
      rows: run.rows.filter(({ inferenceId }) => inferenceId !== aStream(run).inferenceId),
    }),
  },
  {
    name: 'a row has another text',
    promise: 'P5',
    plant: (run) => ({ ...run, rows: run.rows.map((row) => ({ ...row, text: `${row.text ?? ''}!` })) }),
  },
  {
    name: 'poison is not set aside',
    promise: 'P7',
    plant: (run) => ({ ...run, poison: [...run.poison, { ...place, hex: '07' }] }),
  },
  {
    name: 'poison is set aside with other bytes',
    promise: 'P7',
    plant: (run) => ({
      ...run,
      poison: [...run.poison, { ...place, hex: '07' }],
      deadLetters: [...run.deadLetters, { ...place, hex: '08', group: 'g', id: '1' }],
    }),
  },
  {
    name: 'poison is set aside twice',
    promise: 'P7',
    plant: (run) => ({
      ...run,
      poison: [...run.poison, { ...place, hex: '07' }],
      deadLetters: [...run.deadLetters, ...['1', '2'].map((id) => ({ ...place, hex: '07', group: 'g', id }))],
    }),
  },
  {
    name: 'a prompt lacks an earlier answer',
    promise: 'P8',
    plant: (run) => withPrompt(run, (messages) => messages.toSpliced(1, 1)),
  },
  {
    name: 'a prompt has two messages in the wrong order',
    promise: 'P8',
    plant: (run) => withPrompt(run, ([a, b, ...rest]) => [need(b), need(a), ...rest]),
  },
  {
    name: 'words of another tenant are shown',
    promise: 'P9',
    plant: (run) =>
      withFrames(run, (frames) =>
        frames.map((frame) => ({ ...frame, text: otherTenant(run, aStream(run).tenant).canary })),
      ),
  },
  {
    name: 'a row belongs to another tenant',
    promise: 'P9',
    plant: (run) => ({ ...run, rows: run.rows.map((row) => ({ ...row, tenant: 'nobody' })) }),
  },
  {
    name: 'a key is logged',
    promise: 'P18',
    plant: (run) => ({ ...run, logLines: [...run.logLines, `key ${need(run.secrets[0])}`] }),
  },
  {
    name: 'what was said is logged',
    promise: 'P18',
    plant: (run) => ({ ...run, logLines: [...run.logLines, aStream(run).canary] }),
  },
  {
    name: 'a delta is shown that is not on the log',
    promise: 'P20',
    plant: (run) =>
      withFrames(run, (frames) =>
        frames.map((frame, index) => (index === 1 ? { ...frame, text: `${frame.text}¿` } : frame)),
      ),
  },
  {
    name: 'another client of Kafka does not find a record',
    promise: 'P20',
    plant: (run) => ({ ...run, again: run.again.slice(1) }),
  },
  {
    name: 'use is counted twice',
    promise: 'P21',
    plant: (run) => changed(run, 'turns', 'UsageRecorded', { eventId: 'evt_other' }, 'add'),
  },
  { name: 'use is not counted', promise: 'P21', plant: (run) => without(run, 'turns', 'UsageRecorded') },
  {
    name: 'a record has the clock of a role',
    promise: 'P23',
    plant: (run) =>
      withLog(run, 'turns', (events) => events.map((event) => ({ ...event, time: event.time + 7_200_000 }))),
  },
];
