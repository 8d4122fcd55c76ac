import { createRedactor, type Redactor } from '../policies/personal-data/redactor.ts';
import type { EventOf, GuardFinding, Guards, PersonalKind, Producer } from '../schemas/generated/types.ts';
import { envelope, type Cause, type NewEvent } from '../streams/event.ts';
import type { MessageIds } from './message.ts';
import type { Submission } from './requests.ts';

/** What may be recorded of a submission, what was taken out of it, and what no model is to see of it. */
export type Guarded = {
  readonly submission: Submission;
  readonly findings: readonly GuardFinding[];
  readonly redactBeforeModel: readonly PersonalKind[];
};

/** Keeps personal data out of what tenants say, as each of them wants it. */
export interface Guard {
  submission(tenantId: string, submission: Submission): Guarded;
  /** For words beside a message: a comment, a title. */
  redactor(tenantId: string): Redactor;
}

export function createGuard(keys: { readonly guardsOf: (tenantId: string) => Guards }): Guard {
  return {
    submission(tenantId, submission) {
      const { redactBeforeRecord, redactBeforeModel } = keys.guardsOf(tenantId);
      return { ...guardSubmission(submission, redactBeforeRecord), redactBeforeModel };
    },
    redactor: (tenantId) => createRedactor(keys.guardsOf(tenantId).redactBeforeRecord),
  };
}

/**
 * Takes personal data of these kinds out of all that a caller says: its text, what preceded, results of tools, its
 * instructions. What it attached as metadata is for its own systems and stays.
 */
function guardSubmission(
  submission: Submission,
  kinds: readonly PersonalKind[],
): Omit<Guarded, 'redactBeforeModel'> {
  if (kinds.length === 0) return { submission, findings: [] };
  const redactor = createRedactor(kinds);
  const { text, instructions, preceding, toolResults } = submission;
  return {
    submission: {
      ...submission,
      text: text === null ? null : redactor.text(text),
      instructions: instructions === null ? null : redactor.text(instructions),
      preceding: preceding.map(({ role, parts }) => ({ role, parts: redactor.parts(parts) })),
      toolResults: toolResults.map((result) => ({
        ...result,
        content: { ...result.content, text: redactor.text(result.content.text ?? '') },
      })),
    },
    findings: redactor.findings(),
  };
}

/** Returns the event that says what was taken out of an event before it was recorded; none where nothing was. */
export function redactedEvents(
  cause: Cause,
  about: MessageIds & { readonly principal: string },
  findings: readonly GuardFinding[],
  made: { readonly producer: Producer; readonly now: number; readonly topic: string },
): readonly NewEvent[] {
  if (findings.length === 0) return [];
  const { conversationId, inferenceId, messageId, principal } = about;
  const event: EventOf<'GuardApplied'> = {
    type: 'GuardApplied',
    data: {
      ...envelope(cause, 'guard:record', made.producer, made.now),
      ...{ conversationId, inferenceId, messageId, principal },
      guard: 'personal_data',
      action: 'redacted_before_record',
      findings,
    },
  };
  return [{ ...event, topic: made.topic, key: conversationId, partition: null }];
}
