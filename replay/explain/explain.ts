import type {
  Content,
  ContextEntry,
  ContextManifest,
  Parameters,
  PromptMessage,
  Route,
} from '../../schemas/generated/types.ts';
import { foldEnding, isTerminal, noEnding, type TerminalEvent } from '../../streams/effective-end.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import type { Evidence } from './evidence.ts';
import { rebuildPrompt, type PromptSettings } from '../rebuild-prompt.ts';

/** A step of the chain that led from the message to its end, and what was said of it since. Times are the broker's. */
export type Link = {
  readonly type: string;
  readonly eventId: string | null;
  readonly causedBy: string | null;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly time: number;
};

/** How the prompt that is made again compares with the one that was recorded. */
export type PromptVerdict =
  | { readonly type: 'same' }
  | { readonly type: 'different'; readonly manifest: 'same' | 'different' }
  | { readonly type: 'not compared'; readonly why: string };

/** Why an answer is what it is, as the log has it. Nothing in here was looked up anywhere else. */
export type Explanation = {
  readonly inferenceId: string;
  readonly conversationId: string;
  readonly messageId: string;
  readonly asked: {
    readonly tenantId: string;
    readonly principal: string;
    readonly keyId: string | null;
    readonly transport: string;
    readonly kind: string;
    readonly time: number;
    readonly route: Route;
    readonly configVersion: string;
    /** Route whose instructions were given; null for the caller's own, or none. */
    readonly template: string | null;
    readonly parameters: Parameters;
  };
  readonly prompt: {
    readonly recordedHash: string | null;
    readonly rebuiltHash: string | null;
    readonly verdict: PromptVerdict;
    readonly tokens: number | null;
    readonly budgetTokens: number | null;
    readonly entries: readonly ContextEntry[];
    /** Made again; null where it could not be. */
    readonly messages: readonly PromptMessage[] | null;
  };
  readonly attempts: readonly {
    readonly attempt: number;
    readonly reason: string;
    readonly workerId: string;
    readonly engine: string;
    readonly model: string;
    readonly time: number;
  }[];
  /** Null as long as it runs. */
  readonly end: Ended | null;
  readonly usage: readonly {
    readonly attempt: number;
    readonly model: string;
    readonly outcome: string;
    readonly promptTokens: number;
    readonly completionTokens: number;
    readonly cachedTokens: number;
    /** In the currency; null where nothing is charged. */
    readonly cost: number | null;
    readonly currency: string;
    readonly estimated: boolean;
  }[];
  readonly guards: readonly { readonly guard: string; readonly action: string; readonly findings: string }[];
  readonly scores: readonly { readonly scorer: string; readonly metric: string; readonly value: number }[];
  readonly feedback: readonly {
    readonly principal: string;
    readonly thumb: number;
    readonly rating: number | null;
    readonly labels: readonly string[];
    readonly comment: Content | null;
    readonly correction: Content | null;
    readonly time: number;
  }[];
  readonly chain: readonly Link[];
};

/** How an answer ended. */
export type Ended = {
  readonly type: string;
  /** Finish reason, or the code of what kept it from one. */
  readonly how: string;
  readonly time: number;
  readonly attempt: number;
  readonly model: string;
  readonly modelHash: string;
  readonly engine: string;
  readonly templateHash: string;
  readonly codeVersion: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  readonly textBytes: number;
  readonly textHash: string;
  readonly deltas: number;
  /** From the attempt's start, by its worker's clock; null without a delta. */
  readonly firstDeltaMillis: number | null;
  readonly text: Content;
};

/** Explains an answer from what the log holds of it. Pure. */
export function explain(evidence: Evidence, settings: PromptSettings): Explanation {
  const { inferenceId, conversation } = evidence;
  const isOwn = ({ data }: LoggedEvent): boolean => 'inferenceId' in data && data.inferenceId === inferenceId;
  const own = conversation.filter(isOwn);
  const asked = own.find((event) => event.type === 'MessageSubmitted');
  if (asked?.type !== 'MessageSubmitted') throw new Error('the evidence holds no message');
  const end = effectiveEndOf(own);
  const context = end === null ? null : end.data.context;
  const rebuilt = rebuildPrompt(conversation, inferenceId, context, settings);
  const recordedHash = end === null || end.data.promptHash === '' ? null : end.data.promptHash;
  const { tenantId, principal, keyId, transport, kind, route, parameters, template } = asked.data;
  const { conversationId, configVersion } = asked.data;
  const manifest = context ?? rebuilt?.context ?? null;
  return {
    ...{ inferenceId, conversationId, messageId: asked.data.eventId },
    asked: {
      ...{ tenantId, principal, keyId, transport, kind, time: asked.time },
      ...{ route, configVersion, template, parameters },
    },
    prompt: {
      recordedHash,
      rebuiltHash: rebuilt?.promptHash ?? null,
      verdict: verdictOf(recordedHash, context, rebuilt),
      tokens: manifest?.promptTokens ?? null,
      budgetTokens: manifest?.budgetTokens ?? null,
      entries: manifest?.entries ?? [],
      messages: rebuilt?.messages ?? null,
    },
    attempts: attemptsOf([...evidence.stream, ...own]),
    end: end === null ? null : endedOf(end),
    usage: evidence.turns.flatMap((event) => (event.type === 'UsageRecorded' ? [usedOf(event.data)] : [])),
    guards: evidence.turns.flatMap((event) =>
      event.type === 'GuardApplied'
        ? [
            {
              ...{ guard: event.data.guard, action: event.data.action },
              findings: event.data.findings.map(({ label, count }) => `${label} ${count}`).join(', '),
            },
          ]
        : [],
    ),
    scores: evidence.scores.flatMap((event) =>
      event.type === 'QualityScored'
        ? event.data.scores.map(({ metric, value }) => ({ scorer: event.data.scorer, metric, value }))
        : [],
    ),
    feedback: own.flatMap((event) => {
      if (event.type !== 'FeedbackGiven') return [];
      const { principal: judge, thumb, rating, labels, comment, correction } = event.data;
      return [{ principal: judge, thumb, rating, labels, comment, correction, time: event.time }];
    }),
    chain: [...own, ...evidence.turns, ...evidence.scores, ...evidence.stream.filter(isMilestone)]
      .map(linkOf)
      .sort((one, other) => one.time - other.time || one.topic.localeCompare(other.topic)),
  };
}

/** Deltas are counted, not listed. */
function isMilestone({ type }: LoggedEvent): boolean {
  return type === 'AttemptStarted' || type === 'InferenceEnded';
}

function effectiveEndOf(own: readonly LoggedEvent[]): LoggedEvent<TerminalEvent> | null {
  let ending = noEnding;
  for (const event of own) {
    if (event.type !== 'AttemptStarted' && !isTerminal(event)) continue;
    const [next, isEffective] = foldEnding(ending, event);
    if (isEffective && isTerminal(event)) return event;
    ending = next;
  }
  return null;
}

function verdictOf(
  recordedHash: string | null,
  context: ContextManifest | null,
  rebuilt: ReturnType<typeof rebuildPrompt>,
): PromptVerdict {
  if (recordedHash === null) return { type: 'not compared', why: 'no prompt is recorded' };
  if (rebuilt === null) return { type: 'not compared', why: 'the log asks for none' };
  if (rebuilt.promptHash === recordedHash) return { type: 'same' };
  return {
    type: 'different',
    manifest: context !== null && rebuilt.context.hash === context.hash ? 'same' : 'different',
  };
}

function attemptsOf(events: readonly LoggedEvent[]): Explanation['attempts'] {
  const found = new Map<number, Explanation['attempts'][number]>();
  for (const event of events) {
    // One that took over is announced on both logs.
    if (event.type !== 'AttemptStarted' || found.has(event.data.attempt)) continue;
    const { attempt, reason, workerId, engine, model } = event.data;
    found.set(attempt, { attempt, reason, workerId, engine, model, time: event.time });
  }
  return [...found.values()].sort((one, other) => one.attempt - other.attempt);
}

function endedOf({ type, data, time }: LoggedEvent<TerminalEvent>): Ended {
  const how =
    'finishReason' in data ? data.finishReason : 'cancelReason' in data ? data.cancelReason : data.code;
  const { attempt, model, modelHash, engine, templateHash, codeVersion, textBytes, textHash } = data;
  const { promptTokens, completionTokens, cachedTokens, deltaMillis, content } = data;
  return {
    ...{ type, how, time, attempt, model, modelHash, engine, templateHash, codeVersion },
    ...{ promptTokens, completionTokens, cachedTokens, textBytes, textHash },
    deltas: data.deltaBytes.length,
    firstDeltaMillis: deltaMillis[0] ?? null,
    text: content,
  };
}

function usedOf(
  data: Extract<LoggedEvent, { readonly type: 'UsageRecorded' }>['data'],
): Explanation['usage'][number] {
  const { attempt, model, outcome, promptTokens, completionTokens, cachedTokens, currency, estimated } = data;
  const cost = currency === '' ? null : data.costNanos / 1e9;
  return { attempt, model, outcome, promptTokens, completionTokens, cachedTokens, cost, currency, estimated };
}

function linkOf({ type, data, topic, partition, offset, time }: LoggedEvent): Link {
  const eventId = 'eventId' in data ? data.eventId : null;
  const causedBy = 'causationId' in data ? data.causationId : null;
  return { type, eventId, causedBy, topic, partition, offset, time };
}
