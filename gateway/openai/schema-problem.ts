type Json = Readonly<Record<string, unknown>>;
type Path = readonly (string | number)[];

/** Where a schema asks for what cannot be kept to, and what. */
export type SchemaProblem = { readonly path: PropertyKey[]; readonly message: string };

const MOST_DEPTH = 10;
const MOST_NODES = 1_000;
/** Levels of objects and lists, of which a schema in a schema takes two. */
const MOST_NESTED = 40;
/** Beyond these an engine's grammar takes longer to read than the answer to write. */
const MOST_LENGTH = 2_000;
const MOST_ITEMS = 500;

/** Words about a schema that change nothing of what it allows. */
const NOTES = ['title', 'description', 'default', 'examples', '$schema', '$id', '$comment', 'deprecated'];
/** What answers are kept to. The names of an object's words beside its notes. */
const KEPT = [
  ...['type', 'properties', 'required', 'additionalProperties', 'items', 'enum', 'const', 'anyOf', 'oneOf'],
  ...['minLength', 'maxLength', 'minItems', 'maxItems', 'format', '$ref', '$defs', 'definitions'],
];
const KNOWN = new Set([...NOTES, ...KEPT]);
const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];
const FORMATS = ['date', 'time', 'date-time'];

/**
 * Returns what of a schema of an answer cannot be kept to; null where all of it can. The words are those of OpenAI's
 * structured outputs: what would be left out silently is refused.
 */
export function schemaProblem(schema: Json): SchemaProblem | null {
  const names = ['$defs', 'definitions'].flatMap((word) =>
    isObject(schema[word]) ? Object.keys(schema[word]).map((name) => `#/${word}/${name}`) : [],
  );
  let nodes = 0;

  if (isDeep(schema)) return problem([], `lies deeper than ${MOST_NESTED} levels`);
  if (schema['type'] !== 'object' && !('anyOf' in schema) && !('$ref' in schema))
    return problem(['type'], 'must be "object": an answer is one JSON object');
  return check(schema, [], 0);

  function check(node: unknown, path: Path, depth: number): SchemaProblem | null {
    if (!isObject(node)) return problem(path, 'must be a schema');
    nodes += 1;
    if (depth > MOST_DEPTH) return problem(path, `lies deeper than ${MOST_DEPTH} levels`);
    if (nodes > MOST_NODES) return problem(path, `is one of more than ${MOST_NODES} schemas`);
    const strange = Object.keys(node).find((word) => !KNOWN.has(word));
    if (strange !== undefined)
      return problem([...path, strange], 'is not supported: answers cannot be kept to it; leave it out');
    return checkWords(node, path) ?? checkInner(node, path, depth);
  }

  function checkWords(node: Json, path: Path): SchemaProblem | null {
    const { type, format, $ref, required, properties } = node;
    const types = Array.isArray(type) ? (type as readonly unknown[]) : type === undefined ? [] : [type];
    if (types.some((one) => typeof one !== 'string' || !TYPES.includes(one)))
      return problem([...path, 'type'], `must be of ${TYPES.join(', ')}`);
    if (format !== undefined && !FORMATS.some((known) => known === format))
      return problem([...path, 'format'], `must be one of ${FORMATS.join(', ')}`);
    if ($ref !== undefined && !names.some((name) => name === $ref))
      return problem([...path, '$ref'], 'must name one of the $defs of the schema');
    const known = isObject(properties) ? properties : {};
    if (Array.isArray(required)) {
      const missing = required.findIndex((name) => typeof name !== 'string' || !Object.hasOwn(known, name));
      if (missing >= 0) return problem([...path, 'required', missing], 'is none of the properties');
    }
    for (const [word, most] of [
      ['minLength', MOST_LENGTH],
      ['maxLength', MOST_LENGTH],
      ['minItems', MOST_ITEMS],
      ['maxItems', MOST_ITEMS],
    ] as const) {
      const value = node[word];
      if (value !== undefined && !(Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most))
        return problem([...path, word], `must be a whole number up to ${most}`);
    }
    return checkValues(node, path);
  }

  function checkValues(node: Json, path: Path): SchemaProblem | null {
    const { enum: values } = node;
    if (values !== undefined && !(Array.isArray(values) && values.length > 0 && values.every(isPlain)))
      return problem([...path, 'enum'], 'must be a list of texts, numbers, true, false or null');
    if ('const' in node && !isPlain(node['const']))
      return problem([...path, 'const'], 'must be a text, a number, true, false or null');
    return null;
  }

  function checkInner(node: Json, path: Path, depth: number): SchemaProblem | null {
    const { items, additionalProperties } = node;
    const inner: (readonly [unknown, Path])[] = [];
    for (const word of ['properties', '$defs', 'definitions']) {
      const found = node[word];
      if (found === undefined) continue;
      if (!isObject(found)) return problem([...path, word], 'must hold schemas by name');
      for (const [name, schema] of Object.entries(found)) inner.push([schema, [...path, word, name]]);
    }
    for (const word of ['anyOf', 'oneOf']) {
      const found = node[word];
      if (found === undefined) continue;
      if (!Array.isArray(found) || found.length === 0)
        return problem([...path, word], 'must be a list of schemas');
      found.forEach((schema, index) => inner.push([schema, [...path, word, index]]));
    }
    if (items !== undefined) inner.push([items, [...path, 'items']]);
    if (isObject(additionalProperties)) inner.push([additionalProperties, [...path, 'additionalProperties']]);
    for (const [schema, where] of inner) {
      const found = check(schema, where, depth + 1);
      if (found !== null) return found;
    }
    return null;
  }
}

/**
 * Returns a schema without what answers cannot be kept to: where a caller asks for no more than that the rest be kept. An
 * engine leaves the same out.
 */
export function enforceable(schema: Json): Json {
  return kept(schema, 0) as Json;
}

function kept(node: unknown, depth: number): unknown {
  if (node === true) return {};
  if (!isObject(node) || depth > MOST_NESTED) return node;
  const { allOf } = node;
  if (Array.isArray(allOf) && allOf.length === 1)
    return kept({ ...omit(node, 'allOf'), ...(allOf[0] as object) }, depth + 1);
  const inner = (value: unknown): unknown => kept(value, depth + 1);
  const words = Object.entries(node).flatMap(([word, value]): [string, unknown][] => {
    if (!KNOWN.has(word)) return [];
    if (word === 'format' && !FORMATS.some((known) => known === value)) return [];
    if (/^(min|max)(Length|Items)$/.test(word) && !isSmall(value, word)) return [];
    if (word === 'required') return [];
    if (['properties', '$defs', 'definitions'].includes(word) && isObject(value))
      return [[word, Object.fromEntries(Object.entries(value).map(([name, one]) => [name, inner(one)]))]];
    if ((word === 'anyOf' || word === 'oneOf') && Array.isArray(value)) return [[word, value.map(inner)]];
    if (word === 'items' || (word === 'additionalProperties' && isObject(value)))
      return [[word, inner(value)]];
    return [[word, value]];
  });
  return Object.fromEntries(words);
}

function omit(node: Json, word: string): Json {
  return Object.fromEntries(Object.entries(node).filter(([name]) => name !== word));
}

function isSmall(value: unknown, word: string): boolean {
  const most = word.endsWith('Items') ? MOST_ITEMS : MOST_LENGTH;
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most;
}

/** True for what no recursion should follow, also where nothing is looked for: in a default, or an example. */
function isDeep(schema: Json): boolean {
  let level: readonly unknown[] = [schema];
  for (let depth = 0; depth < MOST_NESTED; depth += 1) {
    level = level.flatMap((value): readonly unknown[] =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
    if (level.length === 0) return false;
  }
  return true;
}

function problem(path: Path, message: string): SchemaProblem {
  return { path: [...path], message };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPlain(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}
