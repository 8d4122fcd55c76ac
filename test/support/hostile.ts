import type { Random } from './random.ts';

/** Values that programs stumble over, in place of whatever stood there. */
const EVIL: readonly unknown[] = [
  ...[null, true, false, 0, -0, -1, 0.1, 1e308, -1e308, 2 ** 53, 2 ** 31, 'NaN'],
  ...[
    '',
    ' ',
    '\u0000',
    '\ud800',
    '\u202e',
    '../../etc/passwd',
    '%00',
    '${7*7}',
    '{{7*7}}',
    '<script>',
    "'; --",
  ],
  ...['[[tokens=99999999 pace=99999 abort=after:1]]', '\r\nx-injected: 1', 'constructor', '__proto__'],
  ...[[], {}, [[]], [null], { $ne: null }, { toString: null }, { length: 1e9 }],
  'x'.repeat(70_000),
  Array.from({ length: 2_000 }, () => 'y'),
  deep(3_000),
];
const EVIL_KEYS = [
  '__proto__',
  'constructor',
  'toString',
  '',
  '\u0000',
  'x'.repeat(5_000),
  'tenant',
  'principal',
];

/** Returns JSON text that began as `valid` and was made worse: in its values, its keys, or its letters. */
export function worsened(valid: unknown, random: Random): string {
  let text = JSON.stringify(damaged(valid, random));
  if (random.chance(0.3)) text = scratched(text, random);
  // The one key that JSON.stringify does not write.
  if (random.chance(0.05)) text = text.replace('{', '{"__proto__":{"tenantId":"other"},');
  return text;
}

/** Returns random letters, some of which look like JSON. */
export function noise(random: Random): string {
  const letters = '{}[]",:0123456789eE+-.truefalsn\\u \u0000\ufffd€𝄞';
  const count = random.between(0, 200);
  return Array.from({ length: count }, () => letters.charAt(random.between(0, letters.length - 1))).join('');
}

/** Returns random bytes. */
export function bytes(random: Random, most: number): Buffer {
  return Buffer.from(Array.from({ length: random.between(1, most) }, () => random.between(0, 255)));
}

function damaged(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random.chance(0.15)) return random.pick(EVIL);
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    const at = random.between(0, items.length);
    return [...items.slice(0, at), damaged(items[at], random), ...items.slice(at + 1)];
  }
  const entries: readonly (readonly [string, unknown])[] = Object.entries(value);
  const [name, inner] = entries.length === 0 ? (['x', null] as const) : random.pick(entries);
  const others = Object.fromEntries(entries.filter(([other]) => other !== name));
  switch (random.between(0, 3)) {
    case 0:
      return others;
    case 1:
      return { ...value, [random.pick(EVIL_KEYS)]: random.pick(EVIL) };
    default:
      return { ...others, [name]: damaged(inner, random) };
  }
}

function scratched(text: string, random: Random): string {
  let result = text;
  for (let times = random.between(1, 4); times > 0; times -= 1) {
    const at = random.between(0, result.length);
    const letter = random.pick(['"', '{', '}', '[', ',', '\\', '\u0000', '9', '']);
    result = random.chance(0.2) ? result.slice(0, at) : result.slice(0, at) + letter + result.slice(at + 1);
  }
  return result;
}

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = [value];
  return value;
}
