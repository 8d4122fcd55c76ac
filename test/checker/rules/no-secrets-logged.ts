import type { Evidence, Rule } from '../evidence.ts';

export const noSecretsLogged: Rule = {
  promise: 'P18',
  says: 'no key, no secret and nothing that anybody said is in the roles’ logs',
  check({ logLines, secrets, messages }: Evidence) {
    const words = [...secrets, ...new Set(messages.map(({ canary }) => canary))];
    const whole = logLines.join('\n');
    return words.filter((word) => whole.includes(word)).map((word) => `${word.slice(0, 12)}… was logged`);
  },
};
