import type { Evidence, Rule } from '../evidence.ts';

export const isolation: Rule = {
  promise: 'P9',
  says: 'nobody is shown what another message said, and no row of another tenant',
  check,
};

function check({ messages, rows, log }: Evidence): readonly string[] {
  const problems: string[] = [];
  const owners = new Map(messages.map(({ canary, tenant }) => [canary, tenant]));
  for (const message of messages) {
    const shown = message.frames.map(({ text }) => text).join('');
    for (const [canary, tenant] of owners) {
      if (tenant !== message.tenant && shown.includes(canary))
        problems.push(`${message.key} of ${message.tenant}: was shown ${canary} of ${tenant}`);
    }
  }
  const tenants = new Map(
    log.conversations.flatMap((event) =>
      event.type === 'MessageSubmitted' ? [[event.data.inferenceId, event.data.tenantId] as const] : [],
    ),
  );
  for (const { inferenceId, tenant } of rows) {
    const owner = tenants.get(inferenceId);
    if (owner !== undefined && owner !== tenant)
      problems.push(`${inferenceId} of ${owner}: a row of ${tenant}`);
  }
  return problems;
}
