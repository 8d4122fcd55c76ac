import { datasets, topicName } from '../streams/topics.ts';

/** What a gateway writes and reads. */
const NAMES = {
  conversations: datasets.conversations,
  deltas: datasets.inferenceDeltas,
  metrics: datasets.metrics,
  admissions: datasets.admissions,
  turns: datasets.turns,
  identities: datasets.identities,
  answers: datasets.answers,
  configuration: datasets.configuration,
} as const;

export type GatewayTopics = Readonly<Record<keyof typeof NAMES, string>>;

export function gatewayTopics(prefix: string): GatewayTopics {
  const name = (key: keyof typeof NAMES): string => topicName(prefix, NAMES[key]);
  return {
    conversations: name('conversations'),
    deltas: name('deltas'),
    metrics: name('metrics'),
    admissions: name('admissions'),
    turns: name('turns'),
    identities: name('identities'),
    answers: name('answers'),
    configuration: name('configuration'),
  };
}
