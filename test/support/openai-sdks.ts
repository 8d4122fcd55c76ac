import NewestOpenAI from 'openai';
import OlderOpenAI from 'openai-a-year-ago';

type Options = Partial<ConstructorParameters<typeof NewestOpenAI>[0]>;

/** A version of OpenAI's Node SDK, and how a client of it is made. */
export type Sdk = {
  readonly name: string;
  readonly open: (at: { readonly apiKey: string; readonly baseURL: string }, more?: Options) => NewestOpenAI;
};

/** What an SDK threw, as far as tests look. */
export type Thrown = {
  readonly status?: number;
  readonly code?: string;
  readonly param?: string;
  readonly headers?: Headers;
};

/** The newest version and one of a year ago; neither repeats by itself unless it is told to. */
export const nodeSdks: readonly Sdk[] = [
  sdk('openai', NewestOpenAI),
  // The parts used here are the same; only the declared types of the two versions differ.
  sdk('openai a year ago', OlderOpenAI as unknown as typeof NewestOpenAI),
];

function sdk(name: string, OpenAI: typeof NewestOpenAI): Sdk {
  return {
    name,
    open: ({ apiKey, baseURL }, more = {}) => new OpenAI({ apiKey, baseURL, maxRetries: 0, ...more }),
  };
}

/** A call of the scripted model with one message. */
export function scripted(content: string): {
  readonly model: string;
  readonly messages: { readonly role: 'user'; readonly content: string }[];
} {
  return { model: 'scripted', messages: [{ role: 'user', content }] };
}

/** Returns what a call throws; a call that throws nothing is an error itself. */
export async function thrownBy(call: () => Promise<unknown>): Promise<Thrown> {
  try {
    await call();
  } catch (error) {
    // Whatever was thrown is compared field by field.
    return error as Thrown;
  }
  throw new Error('the SDK took a failure for a success');
}

/** The inference that a completion's id names. */
export function inferenceOf(completionId: unknown): string {
  return String(completionId).replace(/^chatcmpl-/, 'inf_');
}
