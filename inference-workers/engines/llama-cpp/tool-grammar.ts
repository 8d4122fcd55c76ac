import type { ToolUse } from '../../../schemas/generated/types.ts';
import { CALL_CLOSES, CALL_OPENS } from '../../../streams/tool-calls.ts';
import { grammarSchema } from './grammar-schema.ts';

type Json = Readonly<Record<string, unknown>>;

/** Returns the schema of what stands in the marks of a call: one of the tools that may be called, and its arguments. */
export function callSchema({ tools, choice, name }: ToolUse): object {
  const allowed = choice === 'named' ? tools.filter((tool) => tool.name === name) : tools;
  const defs: Record<string, unknown> = {};
  const calls = allowed.map((tool, index) => {
    const { $defs, ...own } = grammarSchema(JSON.parse(tool.schema)) as Json;
    // Definitions stand at the root of a grammar: those of one tool are told from those of another.
    const prefix = `t${index}_`;
    for (const [key, schema] of Object.entries(($defs ?? {}) as Json))
      defs[prefix + key] = renamed(schema, prefix);
    const properties = { name: { const: tool.name }, arguments: renamed(own, prefix) };
    return { type: 'object', properties };
  });
  return { ...(Object.keys(defs).length === 0 ? {} : { $defs: defs }), oneOf: calls };
}

/** Returns the grammar of the calls that make an answer, given the one of what stands in the marks of each. */
export function callsGrammar(call: string, parallel: boolean): string {
  const one = `"${CALL_OPENS}" [\\n]? call [\\n]? "${CALL_CLOSES}"`;
  const root = parallel ? 'root ::= one ([\\n] one)*' : 'root ::= one';
  return `${root}\none ::= ${one}\n${call.replace(/^root ::=/m, 'call ::=')}`;
}

function renamed(schema: unknown, prefix: string): unknown {
  if (Array.isArray(schema)) return schema.map((one) => renamed(one, prefix));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]: [string, unknown]) => [
      key,
      key === '$ref' && typeof value === 'string'
        ? value.replace('#/$defs/', `#/$defs/${prefix}`)
        : renamed(value, prefix),
    ]),
  );
}
