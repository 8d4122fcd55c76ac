import { errorMessage } from '../../runtime/errors.ts';
import type { RoleState } from '../run-state.ts';
import type { PartHealth } from './render-status.ts';

const ANSWER_MS = 2_000;

/** Asks a role whether it can take work. */
export async function checkRole(role: RoleState): Promise<PartHealth> {
  const health = (isHealthy: boolean, detail: string, facts: PartHealth['facts'] = {}): PartHealth => ({
    name: role.name,
    address: role.address ?? role.health,
    isHealthy,
    detail,
    facts: { restarts: role.restarts, ...facts },
  });
  if (role.health === null) return health(false, role.state);
  try {
    const response = await fetch(`${role.health}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) });
    const facts = numbersIn(await response.text());
    return response.ok ? health(true, 'ready', facts) : health(false, 'not ready', facts);
  } catch (error) {
    return health(
      false,
      errorMessage(error instanceof Error && error.cause !== undefined ? error.cause : error),
    );
  }
}

/** The numbers under `facts` of the answer, if it has any. */
function numbersIn(text: string): PartHealth['facts'] {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== 'object' || body === null || !('facts' in body)) return {};
    const { facts } = body;
    if (typeof facts !== 'object' || facts === null) return {};
    return Object.fromEntries(
      Object.entries(facts).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
    );
  } catch {
    // A gateway may answer with a word.
    return {};
  }
}
