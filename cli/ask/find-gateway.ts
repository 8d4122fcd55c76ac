import { StenoError } from '../../runtime/errors.ts';
import type { Installation } from '../installation.ts';

/** Returns the address of the gateway: the one named, else that of the running installation. Throws `not_running`. */
export function gatewayOf(installation: Installation, named: string | undefined): string {
  const { state, gateway, config } = installation;
  const address = named ?? gateway;
  if (address !== null) return address;
  const what = state === null ? 'nothing runs' : `steno up is ${state.phase}, without a gateway yet,`;
  throw new StenoError('not_running', `${what} over ${config.dataDir}`, {
    fix: 'start it with npm start, set STENO_DATA_DIR to that of a running one, or name a gateway with --url',
  });
}
