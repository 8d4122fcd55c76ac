/** Calls of one credential at one address. */
export type Api = {
  readonly get: (path: string) => Promise<Answered>;
  readonly send: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Answered>;
};

export type Answered = {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  /** The field of the JSON object that was answered. */
  readonly field: (name: string) => unknown;
};

/** Opens calls with a bearer key; null for none. */
export function apiOf(url: string, key: string | null): Api {
  async function send(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answered> {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      ...{ status: response.status, text, headers: response.headers },
      field: (name) => (JSON.parse(text) as Record<string, unknown>)[name],
    };
  }
  return { send, get: (path) => send('GET', path) };
}
