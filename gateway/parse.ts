import type { z } from 'zod';
import { refuse } from './problems.ts';

/** Parses JSON that a client sent. Throws `invalid_json`, and `unknown_field` for `__proto__` at any depth. */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse('invalid_json', 'the text is not valid JSON', { fix: 'send one JSON object' });
  }
  if (text.includes('__proto__') || text.includes('\\u')) refusePrototype(value);
  return value;
}

function refusePrototype(root: unknown): void {
  const waiting: unknown[] = [root];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) {
      throw refuse('unknown_field', '__proto__ is not a known field', {
        param: '__proto__',
        fix: 'leave it out',
      });
    }
    for (const item of Object.values(value))
      if (typeof item === 'object' && item !== null) waiting.push(item);
  }
}

/** Checks a value against its schema. Throws `unknown_field` or `invalid_request`, naming the field and the fix. */
export function validate<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue === undefined) throw refuse('invalid_request', 'the request is not as expected');
  const path = nameOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const name = nameOf([...issue.path, issue.keys[0] ?? '']).slice(0, 100);
    throw refuse('unknown_field', `${name} is not a known field`, {
      param: name,
      fix: 'leave it out or correct its name',
    });
  }
  throw refuse('invalid_request', path === '' ? lower(issue.message) : `${path}: ${lower(issue.message)}`, {
    param: path === '' ? null : path,
    fix:
      path === ''
        ? 'send a JSON object with the fields in /openapi.json'
        : `correct ${path}: see /openapi.json`,
  });
}

/** A field as a person writes it: `messages[0].content`. */
function nameOf(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text.startsWith('.') ? text.slice(1) : text;
}

function lower(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
