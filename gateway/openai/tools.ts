import { z } from 'zod';
import type { ToolUse } from '../../schemas/generated/types.ts';
import { enforceable, schemaProblem } from './schema-problem.ts';

const MOST_TOOLS = 128;
const MOST_BYTES = 128 * 1024;
const NO_ARGUMENTS = { type: 'object', properties: {} };

export const toolName = z.string().regex(/^[\w-]{1,64}$/, 'up to 64 letters, digits, "_" or "-"');

const functionFields = {
  name: toolName,
  description: z.string().max(20_000).nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish().describe('A JSON Schema of an object.'),
  strict: z.boolean().nullish(),
};
type ToolFunction = {
  readonly name: string;
  readonly description?: string | null | undefined;
  readonly parameters?: Readonly<Record<string, unknown>> | null | undefined;
  readonly strict?: boolean | null | undefined;
};

const isFunction = z.literal('function', { error: 'must be function: nothing else can be called here' });

/** What the model may call, in the words of chat completions. */
export const tools = z
  .array(
    z.looseObject({
      type: isFunction,
      function: z
        .looseObject(functionFields)
        .superRefine((tool, context) => checkSchema(tool, (issue) => context.addIssue(issue))),
    }),
  )
  .max(MOST_TOOLS)
  .superRefine((list, context) => {
    checkList(
      list.map((tool) => tool.function),
      (index) => [index, 'function', 'name'],
      (issue) => context.addIssue(issue),
    );
  })
  .nullish()
  .describe('Functions of the caller that the model may ask it to run.');

/** The same as the Responses API has it: the function's fields beside the type. */
export const flatTools = z
  .array(
    z
      .looseObject({ type: isFunction, ...functionFields })
      .superRefine((tool, context) => checkSchema(tool, (issue) => context.addIssue(issue))),
  )
  .max(MOST_TOOLS)
  .superRefine((list, context) => {
    checkList(
      list,
      (index) => [index, 'name'],
      (issue) => context.addIssue(issue),
    );
  })
  .nullish()
  .describe('Functions of the caller that the model may ask it to run.');

const modes = z.enum(['none', 'auto', 'required']);
const choiceProblem = { error: 'must be none, auto, required, or name a function' };

export const toolChoice = z
  .union(
    [modes, z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: toolName }) })],
    choiceProblem,
  )
  .transform((choice) => (typeof choice === 'string' ? choice : { name: choice.function.name }))
  .nullish()
  .describe('Whether a function has to be called, and which.');

export const flatToolChoice = z
  .union([modes, z.looseObject({ type: z.literal('function'), name: toolName })], choiceProblem)
  .transform((choice) => (typeof choice === 'string' ? choice : { name: choice.name }))
  .nullish()
  .describe('Whether a function has to be called, and which.');

type Choice = z.output<typeof modes> | { readonly name: string } | null;
type Issue = { readonly code: 'custom'; readonly path: PropertyKey[]; readonly message: string };
type Report = (issue: Issue) => void;

/** Tells what of a body's tools, its choice and its format does not go together. */
export function checkToolUse(
  given: { readonly tools: readonly ToolFunction[]; readonly choice: Choice; readonly hasFormat: boolean },
  formatPath: PropertyKey[],
  report: Report,
): void {
  const issue = (path: PropertyKey[], message: string): void => report({ code: 'custom', path, message });
  const names = given.tools.map(({ name }) => name);
  const { choice } = given;
  if (choice !== null && typeof choice === 'object' && !names.includes(choice.name))
    issue(['tool_choice'], 'names none of the tools');
  else if (choice === 'required' && names.length === 0) issue(['tool_choice'], 'there are no tools to call');
  if (given.hasFormat && names.length > 0 && choice !== 'none')
    issue(formatPath, 'does not go with tools: ask for the JSON once they have answered');
}

/** Returns what is recorded of the tools of a turn; null where nothing may be called. */
export function toolUseOf(given: readonly ToolFunction[], choice: Choice, parallel: boolean): ToolUse | null {
  if (given.length === 0 || choice === 'none') return null;
  const isNamed = choice !== null && typeof choice === 'object';
  return {
    tools: given.map(({ name, description, parameters }) => ({
      name,
      description: description ?? '',
      schema: JSON.stringify(parameters ?? NO_ARGUMENTS),
    })),
    choice: isNamed ? 'named' : (choice ?? 'auto'),
    name: isNamed ? choice.name : null,
    parallel: parallel && !isNamed,
  };
}

/** Arguments are kept to the schema as far as that can be: all the way, or it is refused, where the caller says strict. */
function checkSchema({ parameters, strict }: ToolFunction, report: Report): void {
  if (parameters === undefined || parameters === null) return;
  const problem = schemaProblem(strict === true ? parameters : enforceable(parameters));
  if (problem !== null)
    report({ code: 'custom', path: ['parameters', ...problem.path], message: problem.message });
}

function checkList(
  list: readonly ToolFunction[],
  pathOf: (index: number) => PropertyKey[],
  report: Report,
): void {
  for (const [index, { name }] of list.entries()) {
    if (list.findIndex((other) => other.name === name) < index)
      report({ code: 'custom', path: pathOf(index), message: 'is the name of another tool too' });
  }
  if (Buffer.byteLength(JSON.stringify(list)) > MOST_BYTES)
    report({ code: 'custom', path: [], message: `have more than ${MOST_BYTES} bytes together` });
}
