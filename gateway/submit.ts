import type { MessageSubmitted, Producer } from '../schemas/generated/types.ts';
import { errorCode } from '../runtime/errors.ts';
import type { EventAppender } from '../streams/event-log.ts';
import type { Call } from './call.ts';
import { redactedEvents, type Guard } from './guard.ts';
import type { Limiter } from './limits/limiter.ts';
import type { Patience } from './limits/patience.ts';
import { wantedBy } from './limits/reserve.ts';
import { checkSubmission, fingerprintOf, idsOf, messageEvent, type Transport } from './message.ts';
import type { Model } from './models.ts';
import { goesAway, keyMismatch, refuse } from './problems.ts';
import type { Submission } from './requests.ts';
import type { Routing } from './routing/routing.ts';
import type { ServedModels } from './served-models.ts';
import type { FrameSink } from './streams/frames.ts';
import type { OpenStreams } from './streams/open-streams.ts';
import type { StreamReader } from './streams/stream-reader.ts';
import type { Place, Tokens } from './token.ts';

/** A message on its way in. */
export type Incoming = {
  readonly call: Call;
  readonly transport: Transport;
  readonly submission: Submission;
  /** The caller's Idempotency-Key; null for none. */
  readonly key: string | null;
  /** What the client calls its message; given back in `accepted`. */
  readonly clientId: string | null;
  /** Opens where the answer goes; called once the message is checked, before it is appended as this event. */
  readonly openSink: (place: Place, token: string, message: MessageSubmitted) => FrameSink;
};

/**
 * Takes a message in. Resolves when it is on the log, acknowledged by every in-sync replica: that is the acceptance,
 * and the sink was told. Throws what the client is to be told; after `append_unknown` the message may be on the log,
 * and a repeat under the same key attaches to it.
 */
export type Submit = (incoming: Incoming) => Promise<StreamReader>;

export function createSubmit(deps: {
  readonly appender: EventAppender;
  readonly streams: OpenStreams;
  readonly routing: Routing;
  readonly tokens: Tokens;
  readonly topic: string;
  readonly producer: Producer;
  readonly isDraining: () => boolean;
  readonly served: Pick<ServedModels, 'firstOf'>;
  readonly limiter: Limiter;
  readonly guard: Guard;
  /** Where what guards did is told. */
  readonly turnsTopic: string;
  readonly patience: Pick<Patience, 'check' | 'enter'>;
  /** True for an inference that ended, as far as the read model knows. */
  readonly isKnown: (tenantId: string, inferenceId: string) => boolean;
  readonly onOutcome: (outcome: 'accepted' | 'refused' | 'unknown') => void;
  readonly onFirstDelta: (seconds: number) => void;
}): Submit {
  const { appender, streams, routing, tokens, topic, producer } = deps;

  return async (incoming) => {
    let reader: StreamReader;
    try {
      reader = await take(incoming);
    } catch (error) {
      deps.onOutcome(errorCode(error) === 'append_unknown' ? 'unknown' : 'refused');
      throw error;
    }
    deps.onOutcome('accepted');
    return reader;
  };

  async function take({
    call,
    transport,
    submission: asked,
    key,
    clientId,
    openSink,
  }: Incoming): Promise<StreamReader> {
    if (deps.isDraining()) throw goesAway();
    streams.checkRoom();
    checkSubmission(asked, transport);
    const { submission, findings, redactBeforeModel } = deps.guard.submission(call.caller.tenantId, asked);
    const ids = idsOf(call, transport, submission, key);
    const routed = routing.routeOf(submission.model, call.grants, ids.conversationId);
    if (routed === null) {
      throw refuse('model_not_found', 'no model that you may use has this name', {
        param: transport === 'conversation' ? 'model_type' : 'model',
        fix: 'name a model of GET /v1/models',
      });
    }
    const fingerprint = fingerprintOf(submission);
    const open = streams.find(call, ids.inferenceId);
    if (open !== null && open.fingerprint !== fingerprint) throw keyMismatch();
    const { chain, lastResort, canaryBucket } = routed;
    const template = submission.instructions === null ? routed.template : null;
    const model = await whoAnswers(chain, call, ids.inferenceId);
    const started = performance.now();
    const replyPartition = streams.replyPartition;
    const deltasFrom = streams.position();
    const place: Place = { tenantId: call.caller.tenantId, ...ids, replyPartition, deltasFrom };
    const event = messageEvent({
      ...{
        call,
        transport,
        submission,
        template,
        ids,
        model,
        canaryBucket,
        cacheSeconds: cacheSecondsOf(model, submission, call),
        fallbacks: [...chain.slice(chain.indexOf(model) + 1).map(({ id }) => id), ...lastResort],
        redactBeforeModel,
        producer,
        configVersion: routing.version(),
        fingerprint,
        replyPartition,
        deltasFrom,
      },
      now: Date.now(),
    });
    const isRepeat = (): boolean =>
      open !== null || (key !== null && deps.isKnown(place.tenantId, ids.inferenceId));
    deps.patience.check(model.pool, submission.tier, isRepeat);
    const admission = await deps.limiter.admit(call, wantedBy(event.data, model), isRepeat);
    const token = tokens.seal(place);
    const sink = openSink(place, token, event.data);
    const waiting = deps.patience.enter(model.pool, submission.tier);
    const reader = streams.open({
      accepted: { place, token, clientId },
      call,
      fingerprint,
      sink,
      onFirstDelta() {
        waiting.begin();
        deps.onFirstDelta((performance.now() - started) / 1000);
      },
      onClosed: () => waiting.leave(),
    });
    try {
      await appender.append([
        { ...event, topic, key: ids.conversationId, partition: null, trace: call.trace },
        ...(admission === null ? [] : [admission.event]),
        ...redactedEvents(event.data, { ...ids, principal: call.caller.principal }, findings, {
          ...{ producer, now: Date.now(), topic: deps.turnsTopic },
        }),
      ]);
    } catch (error) {
      // What was read of its answer proves that the message is on the log.
      if (reader.isAcknowledged()) return reader;
      reader.close();
      if (errorCode(error) !== 'append_unknown') admission?.withdraw();
      throw error;
    }
    reader.acknowledge();
    return reader;
  }

  /** Throws `model_not_served` where nobody serves any model of the chain, and the message is not known already. */
  async function whoAnswers(
    chain: readonly [Model, ...Model[]],
    { caller }: Call,
    inferenceId: string,
  ): Promise<Model> {
    const [named] = chain;
    const isDefault = named.id === routing.resolve(null)?.id;
    if (isDefault && chain.length === 1) return named;
    const found = await deps.served.firstOf(chain);
    // The default model's messages wait for its worker; those of a model that nobody serves would wait in vain.
    if (found !== null || isDefault || deps.isKnown(caller.tenantId, inferenceId)) return found ?? named;
    throw refuse('model_not_served', `no worker serves ${named.id}`, {
      fix: 'start one, or name a model of GET /v1/models',
    });
  }
}

/** What is said again shall be said anew; else the caller may ask for less than the model allows, or for nothing. */
function cacheSecondsOf(model: Model, { kind, choices }: Submission, { cacheSeconds }: Call): number {
  return kind === 'regenerate' || choices > 1
    ? 0
    : Math.min(model.cacheSeconds, cacheSeconds ?? model.cacheSeconds);
}
