import { randomUUID } from 'node:crypto';
import type { EventOf, PersonalKind, Producer } from '../schemas/generated/types.ts';
import { deriveId, inferenceIdOf, sha256 } from '../streams/ids.ts';
import { plain, textOf, textPart, toolResultPart } from '../streams/parts.ts';
import type { Call } from './call.ts';
import type { Model } from './models.ts';
import { refuse } from './problems.ts';
import type { Submission } from './requests.ts';
import type { Routed } from './routing/routing.ts';

/** Tokens of an answer where the caller names no number. */
const DEFAULT_MAX_TOKENS = 1_000;
const DEFAULT_TEMPERATURE = 0.7;

/** Which API route a message came by; part of its identity. */
export type Transport = 'conversation' | 'chat' | 'websocket' | 'chat_completions' | 'responses';

export type MessageIds = {
  readonly messageId: string;
  readonly conversationId: string;
  readonly inferenceId: string;
};

/**
 * Derives the ids of a message: the same caller, route, conversation and key give the same ids at any gateway, so that
 * a repeat makes no second turn. Without a key every message is another one.
 */
export function idsOf(
  call: Call,
  transport: Transport,
  submission: Submission,
  key: string | null,
): MessageIds {
  const { tenantId, principal } = call.caller;
  const named = submission.conversationId;
  const messageId = deriveId('msg', tenantId, principal, transport, named ?? '', key ?? randomUUID());
  return {
    messageId,
    conversationId: named ?? deriveId('conv', messageId),
    inferenceId: inferenceIdOf(messageId),
  };
}

/** SHA-256 of what a request means: equal for a repeat, different for another request under the same key. */
export function fingerprintOf(submission: Submission): string {
  const { text, model, maxTokens, temperature, topP, seed, parentId, targetId, kind, interrupt } = submission;
  const plain = [1, kind, text, model, maxTokens, temperature, topP, seed, parentId, targetId, interrupt];
  return sha256(JSON.stringify([...plain, ...lateFields(submission)]));
}

/** Fields that came later count only where they are set: a key used before them still names the same request. */
function lateFields(submission: Submission): readonly unknown[] {
  const { stop, preceding, instructions, metadata, subjectId, tier, choices, format, tools, toolResults } =
    submission;
  const attached = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const latest = [
    ...(instructions === null ? [] : [instructions]),
    ...(tier === 'interactive' ? [] : [{ tier }]),
    ...(choices === 1 ? [] : [{ choices }]),
    ...(format === null ? [] : [{ format }]),
    ...(tools === null ? [] : [{ tools }]),
    ...(toolResults.length === 0 ? [] : [{ toolResults }]),
  ];
  if (stop.length + preceding.length + attached.length + latest.length === 0 && subjectId === null) return [];
  return [stop, preceding.map(({ role, parts }) => [role, textOf(parts)]), attached, subjectId, ...latest];
}

/** Throws `invalid_request` where fields of a submission do not go together. */
export function checkSubmission(submission: Submission, transport: Transport): void {
  const { kind, text, targetId, parentId, conversationId } = submission;
  const textField = transport === 'websocket' ? 'text' : 'message';
  const missing = (param: string, why: string): never => {
    throw refuse('invalid_request', `${param} is missing: ${why}`, { param, fix: `add ${param}` });
  };
  if (text === null && kind !== 'regenerate' && submission.toolResults.length === 0)
    missing(textField, 'there is nothing to answer');
  if (text !== null && kind === 'regenerate') {
    throw refuse('invalid_request', 'a regenerated turn keeps its message', {
      param: textField,
      fix: 'leave the text out or use kind edit',
    });
  }
  if (targetId === null && kind !== 'message') missing('target_id', `kind ${kind} changes an earlier turn`);
  if (targetId !== null && kind === 'message') missing('kind', 'target_id goes with regenerate or edit');
  if ((targetId ?? parentId) !== null && conversationId === null) {
    missing('conversation_id', 'earlier turns are those of a conversation');
  }
}

/** Returns the event that accepts a message. */
export function messageEvent(facts: {
  readonly call: Call;
  readonly transport: Transport;
  readonly submission: Submission;
  readonly ids: MessageIds;
  readonly model: Model;
  /** What the model is told where the caller says nothing; null for nothing. */
  readonly template: Routed['template'];
  /** The conversation's place among a hundred where a canary is tried; else -1. */
  readonly canaryBucket: number;
  /** How old an answer may be that is given again; 0 asks the model. */
  readonly cacheSeconds: number;
  /** What is kept out of its prompt. */
  readonly redactBeforeModel: readonly PersonalKind[];
  /** Ids of the models that may answer where it cannot. */
  readonly fallbacks: readonly string[];
  readonly producer: Producer;
  readonly configVersion: string;
  readonly fingerprint: string;
  readonly replyPartition: number;
  readonly deltasFrom: number;
  readonly now: number;
}): EventOf<'MessageSubmitted'> {
  const { call, submission, ids, model } = facts;
  const instructions = submission.instructions ?? facts.template?.instructions ?? null;
  return {
    type: 'MessageSubmitted',
    data: {
      eventId: ids.messageId,
      occurredAt: facts.now,
      causationId: call.requestId,
      correlationId: ids.messageId,
      producer: facts.producer,
      tenantId: call.caller.tenantId,
      conversationId: ids.conversationId,
      inferenceId: ids.inferenceId,
      principal: call.caller.principal,
      keyId: call.caller.keyId,
      subjectId: submission.subjectId,
      transport: facts.transport,
      kind: submission.kind,
      parentId: submission.parentId,
      targetId: submission.targetId,
      isNew: submission.conversationId === null,
      interrupt: submission.interrupt,
      role: submission.toolResults.length === 0 ? 'user' : 'tool',
      parts: [
        ...submission.toolResults.map(toolResultPart),
        ...(submission.text === null ? [] : [textPart(submission.text)]),
      ],
      preceding: submission.preceding,
      instructions: instructions === null ? null : plain(instructions),
      template: facts.template?.route ?? null,
      redactBeforeModel: facts.redactBeforeModel,
      parameters: {
        maxTokens: Math.min(submission.maxTokens ?? DEFAULT_MAX_TOKENS, model.maxOutputTokens),
        temperature: submission.temperature ?? DEFAULT_TEMPERATURE,
        topP: submission.topP ?? 1,
        seed: submission.seed,
        stop: submission.stop,
        cacheSeconds: facts.cacheSeconds,
        locale: call.locale ?? null,
        format: submission.format,
        tools: submission.tools,
      },
      route: {
        pool: model.pool,
        tier: submission.tier,
        model: model.id,
        canaryBucket: facts.canaryBucket,
        fallbacks: facts.fallbacks,
      },
      metadata: submission.metadata,
      replyPartition: facts.replyPartition,
      deltasFrom: facts.deltasFrom,
      configVersion: facts.configVersion,
      bodyFingerprint: facts.fingerprint,
    },
  };
}
