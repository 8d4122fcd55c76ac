import { isLoopback } from './keys.ts';
import { refuse } from './problems.ts';

/** Which names this gateway answers to, and which pages may call it. */
export interface Origins {
  /**
   * Throws `host_not_allowed` (a page that made its own name point here) and `origin_not_allowed` (a page of another
   * site). Returns the origin that may read the answer; null where none was named or it is the same one.
   */
  check(host: string | undefined, origin: string | undefined): string | null;
}

/** With keys and no list of names any name will do: a foreign page has no key. */
export function createOrigins(options: {
  readonly host: string;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly keysRequired: boolean;
}): Origins {
  const hosts = new Set([options.host, ...options.allowedHosts].map((name) => name.toLowerCase()));
  const origins = new Set(options.allowedOrigins.map((origin) => origin.toLowerCase().replace(/\/+$/, '')));
  const anyHost = options.keysRequired && options.allowedHosts.length === 0;
  return {
    check(host, origin) {
      const named = (host ?? '').toLowerCase();
      const bare = named.replace(/:\d+$/, '');
      if (!anyHost && !isLoopback(bare) && !hosts.has(bare) && !hosts.has(named)) {
        throw refuse('host_not_allowed', 'this gateway does not answer to that Host', {
          fix: 'add the name to STENO_ALLOWED_HOSTS',
        });
      }
      if (origin === undefined) return null;
      const asked = origin.toLowerCase();
      if (asked === `http://${named}` || asked === `https://${named}`) return null;
      if (origins.has(asked)) return origin;
      throw refuse('origin_not_allowed', 'pages of this origin may not call this gateway', {
        fix: 'add the origin to STENO_ALLOWED_ORIGINS',
      });
    },
  };
}
