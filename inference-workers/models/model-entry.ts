import { z } from 'zod';

const source = z.discriminatedUnion('kind', [
  /** A file of this machine, used where it lies. */
  z.strictObject({ kind: z.literal('path'), path: z.string().min(1) }),
  /** The cache folder, under the entry's file name. */
  z.strictObject({ kind: z.literal('cache') }),
  /** A file of the Hugging Face hub. */
  z.strictObject({
    kind: z.literal('hub'),
    repo: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'owner/name'),
    revision: z.string().min(1),
    file: z.string().min(1),
  }),
  /** A file inside a Python package of the configured index. */
  z.strictObject({
    kind: z.literal('wheel'),
    package: z.string().regex(/^[A-Za-z0-9][\w.-]*$/, 'a package name'),
    version: z.string().regex(/^[\w.!+-]+$/, 'a version'),
    member: z.string().min(1),
  }),
]);

/** A server that speaks the OpenAI chat API: vLLM, llama-server, Ollama, OpenAI, another Steno. */
const backend = z.strictObject({
  /** Up to and without /chat/completions, such as http://127.0.0.1:8000/v1. */
  baseUrl: z.string().refine(isBaseUrl, 'an http or https URL without user and password'),
  /** The model's name there. */
  model: z.string().min(1),
  /** The variable that holds the API key, or with _FILE behind its name a file with it. No key is sent without. */
  apiKeyEnv: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/, 'the name of an environment variable')
    .optional(),
  /** Answers asked for at once. */
  slots: z.int().min(1).max(4_096).default(32),
  /** True for a server that goes on with the text of a last message: vLLM's `continue_final_message`. */
  continues: z.boolean().default(false),
  /** OpenAI's newer models take the second name only, older servers the first. */
  maxTokensField: z.enum(['max_tokens', 'max_completion_tokens']).default('max_tokens'),
  /** When calls fail at once instead of being made: after so many failures in ten seconds, if as many as half of all, for so long. */
  breaker: z
    .strictObject({ failures: z.int().min(1).default(5), openMs: z.int().min(1).default(60_000) })
    .default({ failures: 5, openMs: 60_000 }),
  /** Parameters that the server or the model does not take. */
  omit: z.array(z.enum(['temperature', 'top_p', 'seed', 'stop'])).default([]),
});

export const modelEntry = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, 'lower-case letters, digits, ".", "_", "-"'),
  aliases: z.array(z.string().min(1)),
  /** Interchangeable models share a pool, and with it the topic their requests wait in. */
  pool: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits, "-"'),
  engine: z.enum(['llama-cpp', 'openai-compatible', 'scripted']),
  /** Where the engine openai-compatible finds the model. */
  backend: backend.optional(),
  /** Tokens of one conversation's prompt and answer together. */
  contextLength: z.int().min(256),
  maxOutputTokens: z.int().min(1),
  quantisation: z.string().nullable(),
  price: z.strictObject({
    inputPerMillion: z.number().min(0),
    outputPerMillion: z.number().min(0),
    currency: z.string().regex(/^[A-Z]{3}$/, 'an ISO 4217 code'),
  }),
  /**
   * Ids of the models that answer where this one cannot, asked in this order; each of another pool. `steno-degraded` at
   * the end: then an earlier answer to the same prompt, else a sentence that says so.
   */
  fallbacks: z.array(z.string()).default([]),
  /** How old an answer may be that is given again to the same prompt of the same tenant; 0 asks the model every time. */
  cacheSeconds: z.int().min(0).max(86_400).default(0),
  deadlineMs: z.int().min(1).default(600_000),
  firstTokenMs: z.int().min(1).default(30_000),
  tokenGapMs: z.int().min(1).default(30_000),
  fileName: z
    .string()
    .regex(/^[\w.-]+$/, 'a file name without folders')
    .nullable(),
  /** Null where nobody has checked it: then only the GGUF mark and the announced length are verified. */
  sizeBytes: z.int().min(1).nullable(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, '64 hex digits')
    .nullable(),
  /** Where the file may come from, asked in this order. */
  sources: z.array(source),
});

/** One model that conversations can name. */
export type ModelEntry = Readonly<z.infer<typeof modelEntry>>;
export type Backend = Readonly<z.infer<typeof backend>>;
export type ModelSource = Readonly<z.infer<typeof source>>;

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}
