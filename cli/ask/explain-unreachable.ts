import { errorMessage, StenoError } from '../../runtime/errors.ts';

const ANSWER_MS = 5_000;

/**
 * Says why no WebSocket could be opened: `not_running` if nothing answers or the gateway takes no work, else
 * `gateway_refused`. A WebSocket itself tells only that it failed.
 */
export async function explainUnreachable(url: string, reason: string): Promise<StenoError> {
  let status: number;
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) });
    await response.arrayBuffer();
    ({ status } = response);
  } catch (error) {
    return noGateway(url, error);
  }
  if (status === 503) {
    return new StenoError('not_running', `the gateway at ${url} takes no work now`, {
      retryable: true,
      fix: 'look at steno status, then ask again',
    });
  }
  return new StenoError(
    'gateway_refused',
    `${url} opens no WebSocket at /v1/chat${reason === '' ? '' : `: ${reason}`}`,
    { fix: 'check that --url names a gateway of Steno and that the gateway allows this host name' },
  );
}

/** Says that `fetch` reached nobody, and why. */
export function noGateway(url: string, error: unknown): StenoError {
  // fetch itself says only "fetch failed".
  const cause = errorMessage(error instanceof Error && error.cause !== undefined ? error.cause : error);
  return new StenoError('not_running', `no gateway answers at ${url}: ${cause}`, {
    fix: 'start it with npm start, or name another one with --url',
  });
}
