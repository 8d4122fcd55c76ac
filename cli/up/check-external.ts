import { errorMessage, StenoError } from '../../runtime/errors.ts';
import { openKafkaAdmin } from '../../streams/kafka/admin.ts';
import type { KafkaOptions } from '../../streams/kafka/connection.ts';

const ANSWER_MS = 5_000;

/** Checks that a broker answers. Throws StenoError `broker_unreachable`. */
export async function checkKafka(options: KafkaOptions): Promise<void> {
  await (await openKafkaAdmin(options)).close();
}

/** Checks that a Confluent-compatible registry answers at `url`. Throws StenoError `registry_unreachable`. */
export async function checkRegistry(
  url: string,
  auth: { readonly username: string; readonly password: string } | null,
): Promise<void> {
  const why = await complaint(url, auth);
  if (why === null) return;
  throw new StenoError('registry_unreachable', `no schema registry answers at ${url}: ${why}`, {
    retryable: true,
    fix: 'start it, correct STENO_REGISTRY_URL, or unset it to use the embedded registry',
  });
}

/** Null if the registry lists its subjects. */
async function complaint(
  url: string,
  auth: { readonly username: string; readonly password: string } | null,
): Promise<string | null> {
  const headers =
    auth === null
      ? {}
      : { authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}` };
  try {
    const response = await fetch(`${url}/subjects`, { headers, signal: AbortSignal.timeout(ANSWER_MS) });
    const body: unknown = await response.json();
    if (!response.ok) return `it answered ${response.status}`;
    return Array.isArray(body) ? null : 'it answers, but not as a registry does';
  } catch (error) {
    // fetch itself says only "fetch failed".
    return errorMessage(error instanceof Error && error.cause !== undefined ? error.cause : error);
  }
}
