import type { Evidence, Rule } from '../evidence.ts';

export const safeRetry: Rule = {
  promise: 'P2',
  says: 'a key makes one turn, at whatever gateway and however often it is sent',
  check,
};

function check({ messages, log }: Evidence): readonly string[] {
  const problems: string[] = [];
  const byKey = Map.groupBy(messages, ({ tenant, key }) => `${tenant} ${key}`);
  for (const [key, group] of byKey) {
    const ids = new Set(group.flatMap(({ inferenceId }) => (inferenceId === null ? [] : [inferenceId])));
    if (ids.size > 1) problems.push(`${key}: made ${ids.size} inferences: ${[...ids].join(', ')}`);
  }
  for (const { canary } of new Map(messages.map((message) => [message.canary, message])).values()) {
    const asked = new Set(
      log.conversations.flatMap((event) =>
        event.type === 'MessageSubmitted' &&
        event.data.parts.some(({ text }) => text?.text?.includes(canary) === true)
          ? [event.data.inferenceId]
          : [],
      ),
    );
    if (asked.size > 1) problems.push(`${canary}: asked as ${asked.size} inferences`);
  }
  const prompts = new Map<string, Set<string>>();
  for (const event of log.requests) {
    if (event.type !== 'InferenceRequested') continue;
    const { inferenceId, promptHash } = event.data;
    prompts.set(inferenceId, (prompts.get(inferenceId) ?? new Set()).add(promptHash));
  }
  for (const [inferenceId, hashes] of prompts) {
    if (hashes.size > 1) problems.push(`${inferenceId}: requested with ${hashes.size} prompts`);
  }
  return problems;
}
