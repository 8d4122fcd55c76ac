import { StenoError } from '../../runtime/errors.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { readToEnd } from '../../streams/runner/read-to-end.ts';
import { datasets, type Dataset } from '../../streams/topics.ts';
import { ofKey, type Reading } from '../of-key.ts';

/** What the log holds of an inference. */
export type Evidence = {
  readonly inferenceId: string;
  /** Events of its conversation, in log order. */
  readonly conversation: readonly LoggedEvent[];
  /** What was told of its turn: measures, use, guards. */
  readonly turns: readonly LoggedEvent[];
  /** Its deltas and attempts, as long as they are kept. */
  readonly stream: readonly LoggedEvent[];
  /** Scores of the answer. */
  readonly scores: readonly LoggedEvent[];
};

export type EvidenceTopics = {
  readonly conversations: string;
  readonly turns: string;
  readonly deltas: string;
  readonly quality: string;
};

export function evidenceTopics(topicOf: (dataset: Dataset) => string): EvidenceTopics {
  const { conversations, turns, inferenceDeltas, quality } = datasets;
  return {
    ...{ conversations: topicOf(conversations), turns: topicOf(turns) },
    ...{ deltas: topicOf(inferenceDeltas), quality: topicOf(quality) },
  };
}

export type Gathering = Reading & {
  readonly topics: EvidenceTopics;
  readonly inferenceId: string;
  /** Spares looking for it through all conversations. */
  readonly conversationId: string | null;
};

/** Reads all that the log has of an inference, and writes nothing. Throws StenoError `not_found`. */
export async function gatherEvidence(gathering: Gathering): Promise<Evidence> {
  const { topics, inferenceId } = gathering;
  const conversationId = gathering.conversationId ?? (await findConversation(gathering));
  const conversation =
    conversationId === null ? [] : await ofKey(gathering, topics.conversations, conversationId, () => true);
  const isAbout = ({ data }: LoggedEvent): boolean =>
    'inferenceId' in data && data.inferenceId === inferenceId;
  const asked = conversation.find((event) => event.type === 'MessageSubmitted' && isAbout(event));
  if (conversationId === null || asked?.type !== 'MessageSubmitted')
    throw new StenoError('not_found', `the log has no message with the inference ${inferenceId}`, {
      fix: 'name an inference id as accepted and done frames have it (inf_…)',
    });
  const [turns, scores, stream] = await Promise.all([
    ofKey(gathering, topics.turns, conversationId, isAbout),
    ofKey(gathering, topics.quality, conversationId, isAbout),
    ofKey(gathering, topics.deltas, inferenceId, isAbout, [asked.data.replyPartition]),
  ]);
  return { inferenceId, conversation, turns, stream, scores };
}

async function findConversation(gathering: Gathering): Promise<string | null> {
  let found: string | null = null;
  const { events, topics, inferenceId, signal } = gathering;
  const done = new AbortController();
  await readToEnd(events, topics.conversations, {
    onEvents(batch) {
      for (const event of batch) {
        if (event.type !== 'MessageSubmitted' || event.data.inferenceId !== inferenceId) continue;
        found = event.data.conversationId;
        done.abort();
      }
    },
    onProgress: gathering.onProgress,
    signal: AbortSignal.any([signal, done.signal]),
  }).catch((error: unknown) => {
    if (!done.signal.aborted) throw error;
  });
  return found;
}
