import { parseConfig } from '../../runtime/config.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import type { ChatClient } from './chat-client.ts';
import { checkRecord, type Recorded } from './check-record.ts';
import type { Platform } from './platform.ts';
import { readTopic } from './read-topic.ts';

/** Reads everything the checker needs. */
export async function readRecorded(platform: Platform): Promise<Recorded> {
  const events = await connectEvents(parseConfig(platform.env), 'checker', []);
  try {
    const read = (dataset: keyof typeof datasets): ReturnType<typeof readTopic> =>
      readTopic(events, topicName(platform.cluster.prefix, datasets[dataset]));
    return {
      conversations: await read('conversations'),
      deltas: await read('inferenceDeltas'),
      turns: await read('turns'),
    };
  } finally {
    await events.log.close();
  }
}

/** What a client saw, over whatever transport. */
type Witness = Pick<ChatClient, 'answers' | 'submissions'>;

/** Returns the checker's problems over all clients of a run. */
export function problemsOf(clients: readonly Witness[], recorded: Recorded): readonly string[] {
  return clients.flatMap((client) => checkRecord(client.answers.values(), client.submissions, recorded));
}
