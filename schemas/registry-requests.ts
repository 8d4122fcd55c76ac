import { setTimeout as pause } from 'node:timers/promises';
/** What the registry answered: 2xx and 404 only; everything else throws. */
export type RegistryAnswer = { readonly status: number; readonly body: unknown };

/** An HTTP status that says the request itself is wrong. */
export class RegistryRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'RegistryRefusal';
    this.status = status;
  }
}

export type RegistryRequests = {
  readonly get: (path: string) => Promise<RegistryAnswer>;
  readonly post: (path: string, body: unknown) => Promise<RegistryAnswer>;
  readonly put: (path: string, body: unknown) => Promise<RegistryAnswer>;
};

const TRIES = 4;
const FIRST_PAUSE_MS = 100;
const TIMEOUT_MS = 10_000;

/**
 * Requests in the Confluent registry's API, repeated while it does not answer or answers 5xx or 429. Throws
 * RegistryRefusal for other statuses, and the last Error when the registry cannot be reached.
 */
export function registryRequests(
  host: string,
  auth: { readonly username: string; readonly password: string } | null,
): RegistryRequests {
  const headers: Record<string, string> = {
    accept: 'application/vnd.schemaregistry.v1+json, application/json',
  };
  if (auth !== null) {
    headers['authorization'] = `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
  }

  async function request(method: string, path: string, body?: unknown): Promise<RegistryAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await once(method, path, body);
      } catch (error) {
        if (error instanceof RegistryRefusal || attempt === TRIES) throw error;
      }
      await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1));
    }
  }

  async function once(method: string, path: string, body: unknown): Promise<RegistryAnswer> {
    const response = await fetch(`${host}${path}`, {
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers:
        body === undefined
          ? headers
          : { ...headers, 'content-type': 'application/vnd.schemaregistry.v1+json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const { status } = response;
    if (response.ok || status === 404) return { status, body: parse(text) };
    const message = `the schema registry answered ${status} to ${method} ${path}`;
    if (status >= 500 || status === 429) throw new Error(message);
    throw new RegistryRefusal(status, message);
  }

  return {
    get: (path) => request('GET', path),
    post: (path, body) => request('POST', path, body),
    put: (path, body) => request('PUT', path, body),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('the schema registry answered something that is not JSON');
  }
}
