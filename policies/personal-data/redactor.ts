import type { Content, GuardFinding, MessagePart, PersonalKind } from '../../schemas/generated/types.ts';
import { findPersonal, PERSONAL_KINDS, redact } from './recognise.ts';

/** Takes personal data out of texts, and counts what it took. Texts without any stay the very same. */
export interface Redactor {
  text(text: string): string;
  parts(parts: readonly MessagePart[]): readonly MessagePart[];
  /** What was found until now, by kind. */
  findings(): readonly GuardFinding[];
}

export function createRedactor(wanted: readonly PersonalKind[]): Redactor {
  const kinds = new Set(PERSONAL_KINDS.filter((kind) => wanted.includes(kind)));
  const counts = new Map<string, number>();

  function text(given: string): string {
    const found = findPersonal(given, kinds);
    for (const { kind } of found) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return found.length === 0 ? given : redact(given, found);
  }

  function content(given: Content): Content {
    const kept = given.text === null ? null : text(given.text);
    return kept === given.text ? given : { ...given, text: kept };
  }

  function part(given: MessagePart): MessagePart {
    const { text: said, toolCall, toolResult } = given;
    const next = said === null ? null : content(said);
    const json = toolCall === null ? null : content(toolCall.arguments);
    const result = toolResult === null ? null : content(toolResult.content);
    if (
      next === said &&
      (json ?? null) === (toolCall?.arguments ?? null) &&
      result === (toolResult?.content ?? null)
    )
      return given;
    return {
      ...given,
      text: next,
      toolCall: toolCall === null || json === null ? null : { ...toolCall, arguments: json },
      toolResult: toolResult === null || result === null ? null : { ...toolResult, content: result },
    };
  }

  return {
    text,
    parts(parts) {
      const redacted = parts.map(part);
      return redacted.every((one, index) => one === parts[index]) ? parts : redacted;
    },
    findings: () => [...counts].map(([label, count]) => ({ label, count })),
  };
}
