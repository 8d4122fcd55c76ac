import { datasets, type Dataset } from '../../streams/topics.ts';

/** Names of the topics that the chain covers: all that neither expire nor compact, but for the chain itself. */
export function sealedTopics(nameOf: (dataset: Dataset) => string): readonly string[] {
  return Object.values<Dataset>(datasets)
    .filter(({ retention, name }) => retention.kind === 'forever' && name !== datasets.seals.name)
    .map(nameOf);
}
