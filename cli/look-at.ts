import type { PromptSettings } from '../replay/rebuild-prompt.ts';
import type { Reading } from '../replay/of-key.ts';
import type { Config } from '../runtime/config.ts';
import { errorMessage, StenoError } from '../runtime/errors.ts';
import { accessRecorded, type Look } from '../streams/access-recorded.ts';
import type { Cause } from '../streams/event.ts';
import type { EventLog } from '../streams/event-log.ts';
import { datasets, type Dataset } from '../streams/topics.ts';
import { commandLineActor, commandLineProducer } from './command-line-actor.ts';
import { endWithReader } from './end-with-reader.ts';
import { withInstalledTopics } from './installed-log.ts';
import { onStopRequest } from './on-stop-request.ts';
import { createTerminalProgress } from './terminal-progress.ts';

/** What is looked at, of whose, and why. */
export type CommandLook = Omit<Look, 'principal'> & Pick<Cause, 'tenantId' | 'correlationId'>;

/** The log of an installation, for somebody who looks. */
export type Looking = {
  readonly config: Config;
  readonly reading: Reading;
  readonly topicOf: (dataset: Dataset) => string;
  /** Puts on the log that somebody looks (AccessRecorded): to be awaited before anything is shown. Ends the progress. */
  readonly record: (look: CommandLook) => Promise<void>;
};

/** Opens the log for `work`, shows how far it is read, and stops where it is asked to. Throws StenoError `not_running`. */
export async function lookAt(work: (looking: Looking) => Promise<void>): Promise<void> {
  const stopping = new AbortController();
  onStopRequest(() => stopping.abort(new StenoError('stopped', 'stopped')));
  endWithReader();
  const { audit } = datasets;
  await withInstalledTopics([audit], async ({ config, events, topicOf }) => {
    const step = createTerminalProgress(process.stderr).step('reading the log');
    const onProgress = (read: number, all: number): void => step.update(read, all);
    try {
      await work({
        config,
        topicOf,
        reading: { events, onProgress, signal: stopping.signal },
        async record(look) {
          await recordLook(events, topicOf(audit), look);
          step.finish();
        },
      });
    } catch (error) {
      step.fail(errorMessage(error));
      throw error;
    }
  });
}

/** Puts a look on the log, of which `events` knows the topic. Throws as EventAppender.append does. */
export async function recordLook(
  events: EventLog,
  topic: string,
  { tenantId, correlationId, ...what }: CommandLook,
): Promise<void> {
  const cause = { eventId: `cmd_${Date.now()}_${process.pid}`, correlationId, tenantId };
  const look = { principal: commandLineActor(), ...what };
  const appender = events.openAppender('access');
  await appender.append([accessRecorded(cause, commandLineProducer(), topic, look)]);
  await appender.close();
}

export function noConversation(conversationId: string): StenoError {
  return new StenoError('not_found', `the log has no conversation ${conversationId} at that time`, {
    fix: 'name a conversation id as accepted frames have it (conv_…), or a later time',
  });
}

/** What prepare-turn of this installation goes by. */
export function contextSettings(config: Config): PromptSettings {
  return {
    maxCharacters: config.contextMaxCharacters,
    ttlMillis: config.contextTtlSeconds === null ? null : config.contextTtlSeconds * 1000,
  };
}
