import { placesOf, type Place } from './places.ts';

/** Keys by how their makers begin them: OpenAI, Anthropic, Stripe, AWS, GitHub, GitLab, Slack, Google, npm, Hugging Face; JSON Web Tokens. */
const MADE =
  /(?<![\w-])(?:sk-[\w-]{20,}|[sr]k_(?:live|test)_\w{16,}|(?:AKIA|ASIA)[A-Z\d]{16}|gh[pousr]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{20,}|AIza[\w-]{35}|npm_\w{30,}|hf_\w{30,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,})(?![\w-])/g;
/** What is called a secret, and looks like one. */
const CALLED =
  /(?:secret|passw(?:or)?d|passwort|token|api[_-]?key|access[_-]?key)\w*["']?\s*[:=]\s*["']?(?<words>[\w/+=.-]{16,})/gi;

/** Keys of programs. */
export function findKeys(text: string): readonly Place[] {
  const made = placesOf(MADE, text);
  const called = placesOf(CALLED, text).filter(({ words }) => isMixed(words));
  return [
    ...made,
    ...called.filter(({ start }) => made.every((one) => start < one.start || start >= one.end)),
  ];
}

/** True for what nobody would write as a word: letters of both cases and digits. */
function isMixed(words: string): boolean {
  return /[a-z]/.test(words) && /[A-Z]/.test(words) && /\d/.test(words);
}
