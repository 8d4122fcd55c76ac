import { StenoError } from '../../runtime/errors.ts';
import { allTopics, datasets, TIERS } from '../../streams/topics.ts';

/** A topic to read, and what its keys hold where that is known. */
export type FoundTopic = { readonly name: string; readonly key: string | null };

/**
 * Finds the topic that a person means: a dataset (`turns`), a dataset of one pool and tier
 * (`inference-requests.small.interactive`), or a topic's full name, also one that is not in the catalogue.
 * Throws StenoError `unknown_topic`, which lists what there is.
 */
export function findTopic(wanted: string, prefix: string, pools: readonly string[]): FoundTopic {
  const topics = allTopics(prefix, pools);
  const found = topics.find(({ name }) => name === wanted || shortName(name, prefix) === wanted);
  if (found !== undefined) return { name: found.name, key: found.dataset.key };
  if (wanted === datasets.inferenceRequests.name) {
    throw unknown(`${wanted} is a topic for each pool and tier`, [
      ...pools.flatMap((pool) => TIERS.map((tier) => `${wanted}.${pool}.${tier}`)),
    ]);
  }
  if (/\.v\d+$/.test(wanted)) return { name: wanted, key: null };
  throw unknown(
    `there is no topic "${wanted}"`,
    topics.map(({ name }) => shortName(name, prefix)),
  );
}

/** A topic's name without prefix and version. */
function shortName(name: string, prefix: string): string {
  return name.slice(prefix.length + 1).replace(/\.v\d+$/, '');
}

function unknown(message: string, names: readonly string[]): StenoError {
  return new StenoError('unknown_topic', message, {
    fix: `name one of ${names.join(', ')}, or a topic's full name`,
  });
}
