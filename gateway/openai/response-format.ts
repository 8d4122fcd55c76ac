import { z } from 'zod';
import type { AnswerFormat } from '../../schemas/generated/types.ts';
import { schemaProblem, type SchemaProblem } from './schema-problem.ts';

const MOST_BYTES = 64 * 1024;
const ANY_OBJECT: AnswerFormat = { name: '', schema: '{"type":"object"}' };

const jsonSchema = z.looseObject({
  name: z.string().regex(/^[\w-]{1,64}$/, 'up to 64 letters, digits, "_" or "-"'),
  schema: z
    .record(z.string(), z.unknown())
    .superRefine((schema, context) => {
      const problem = schemaProblem(schema) ?? sizeProblem(schema);
      if (problem !== null) context.addIssue({ code: 'custom', ...problem });
    })
    .describe('A JSON Schema of an object. Every property is written, and nothing besides.'),
});

function sizeProblem(schema: object): SchemaProblem | null {
  if (Buffer.byteLength(JSON.stringify(schema)) <= MOST_BYTES) return null;
  return { path: [], message: `has more than ${MOST_BYTES} bytes` };
}

/** What the answer has to be, in OpenAI's words. */
export const responseFormat = z
  .discriminatedUnion(
    'type',
    [
      z.looseObject({ type: z.literal('text') }),
      z.looseObject({ type: z.literal('json_object') }),
      z.looseObject({ type: z.literal('json_schema'), json_schema: jsonSchema }),
    ],
    {
      error: 'must be {"type": "text"}, {"type": "json_object"} or {"type": "json_schema", "json_schema": …}',
    },
  )
  .nullish()
  .describe('JSON that the answer has to be: what the model may not write is not drawn.');

/** The same as the Responses API has it: the schema beside the type. */
export const textFormat = z
  .discriminatedUnion(
    'type',
    [
      z.looseObject({ type: z.literal('text') }),
      z.looseObject({ type: z.literal('json_object') }),
      jsonSchema.extend({ type: z.literal('json_schema') }),
    ],
    {
      error:
        'must be {"type": "text"}, {"type": "json_object"} or {"type": "json_schema", "name": …, "schema": …}',
    },
  )
  .nullish();

/** Returns what is recorded of a format; null for plain text. */
export function formatOf(wanted: z.output<typeof responseFormat> | null): AnswerFormat | null {
  if (wanted?.type === 'json_schema') return named(wanted.json_schema);
  return wanted?.type === 'json_object' ? ANY_OBJECT : null;
}

/** The same of the Responses API's words. */
export function formatOfText(wanted: z.output<typeof textFormat> | null): AnswerFormat | null {
  if (wanted?.type === 'json_schema') return named(wanted);
  return wanted?.type === 'json_object' ? ANY_OBJECT : null;
}

/** Returns a format as a response says it. */
export function textFormatJson(format: AnswerFormat | null): Readonly<Record<string, unknown>> {
  if (format === null) return { type: 'text' };
  if (format.name === '') return { type: 'json_object' };
  return {
    type: 'json_schema',
    name: format.name,
    schema: JSON.parse(format.schema) as object,
    strict: true,
  };
}

function named({ name, schema }: z.output<typeof jsonSchema>): AnswerFormat {
  return { name, schema: JSON.stringify(schema) };
}
