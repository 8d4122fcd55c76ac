import { datasets, topicName, type Dataset } from '../streams/topics.ts';

export type GatewayTopics = Readonly<ReturnType<typeof gatewayTopics>>;

/** What a gateway writes and reads. */
export function gatewayTopics(prefix: string) {
  const name = (dataset: Dataset): string => topicName(prefix, dataset);
  return {
    conversations: name(datasets.conversations),
    deltas: name(datasets.inferenceDeltas),
    metrics: name(datasets.metrics),
    admissions: name(datasets.admissions),
    turns: name(datasets.turns),
    identities: name(datasets.identities),
    answers: name(datasets.answers),
    configuration: name(datasets.configuration),
    audit: name(datasets.audit),
  };
}
