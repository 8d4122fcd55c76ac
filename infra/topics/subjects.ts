import { errorMessage, StenoError } from '../../runtime/errors.ts';
import type { EventType } from '../../schemas/generated/types.ts';
import type { Registry, SubjectState } from '../../schemas/registry.ts';
import { subjectOf, type Topic } from '../../streams/topics.ts';
import { inParallel } from './in-parallel.ts';

/** A subject that has to be registered, or registered anew, or made strict. */
export type SubjectAction = {
  readonly subject: string;
  readonly event: EventType;
  readonly state: Exclude<SubjectState, 'registered'>;
};

const AT_ONCE = 8;

/**
 * Returns what has to happen so that the registry has every schema of the topics.
 * Throws StenoError `registry_unreachable` (retryable).
 */
export async function planSubjects(
  registry: Registry,
  topics: readonly Topic[],
): Promise<readonly SubjectAction[]> {
  const wanted = topics.flatMap((topic) =>
    topic.dataset.events.map((event) => ({ subject: subjectOf(topic, event), event })),
  );
  const planned = await inParallel(
    wanted,
    AT_ONCE,
    async ({ subject, event }): Promise<readonly SubjectAction[]> => {
      const state = await ask(registry.state(subject, event));
      return state === 'registered' ? [] : [{ subject, event, state }];
    },
  );
  return planned.flat();
}

/**
 * Registers the schemas, each under a subject that is FULL_TRANSITIVE first.
 * Throws StenoError `schema_incompatible`, which names the subject and the registry's reason, or `registry_unreachable`.
 */
export async function applySubjects(
  registry: Registry,
  actions: readonly SubjectAction[],
  onDone: (action: SubjectAction) => void,
): Promise<void> {
  await inParallel(actions, AT_ONCE, async (action) => {
    await register(registry, action);
    onDone(action);
  });
}

/** Says an action in one line. */
export function describeSubject({ subject, event, state }: SubjectAction): string {
  switch (state) {
    case 'missing':
      return `register ${event} under ${subject}`;
    case 'differs':
      return `register a new version of ${event} under ${subject}`;
    case 'loose':
      return `make ${subject} FULL_TRANSITIVE`;
  }
}

async function register(registry: Registry, { subject, event }: SubjectAction): Promise<void> {
  try {
    await registry.register(subject, event);
  } catch (error) {
    if (statusOf(error) !== 409) throw unreachable(error);
    throw new StenoError('schema_incompatible', `${subject} does not take ${event}: ${errorMessage(error)}`, {
      fix: 'give new fields a default and change no type: the first schema of an event binds all later ones',
      cause: error,
    });
  }
}

async function ask<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw unreachable(error);
  }
}

function statusOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
}

function unreachable(cause: unknown): StenoError {
  return new StenoError(
    'registry_unreachable',
    `the schema registry does not do its work: ${errorMessage(cause)}`,
    {
      retryable: true,
      fix: 'start it or set STENO_REGISTRY_URL',
      cause,
    },
  );
}
