import { readFileSync, statSync } from 'node:fs';
import { hash } from 'node:crypto';
import { z } from 'zod';
import { StenoError, errorMessage } from '../runtime/errors.ts';
import type { Config } from '../runtime/config.ts';
import type { Logger } from '../runtime/logger.ts';
import { ORDINARY, type Grants } from '../policies/identity/grants.ts';
import type { Owner, ScopeKind } from '../policies/limits/limits.ts';
import type { Guards, Limits } from '../schemas/generated/types.ts';
import { SUBSCRIBABLE } from '../streams/topics.ts';
import type { Caller } from './call.ts';
import { grantFields } from './identity/grants-schema.ts';
import { guardsSchema, NO_GUARDS } from './identity/guards-schema.ts';
import { limitsSchema } from './limits/limits-schema.ts';

const name = z.string().regex(/^[\w.:@-]{1,128}$/, 'up to 128 letters, digits or any of "_.:@-"');
const keysFile = z.strictObject({
  keys: z.record(
    z.string().regex(/^[0-9a-f]{64}$/, 'the SHA-256 of a key: 64 hex digits'),
    z.strictObject({
      tenant: name,
      principal: name,
      limits: limitsSchema.nullable().default(null),
      ...grantFields,
    }),
  ),
  tenants: z
    .record(
      name,
      z.strictObject({
        limits: limitsSchema.nullable().default(null),
        user_limits: limitsSchema.nullable().default(null),
        guards: guardsSchema.default(NO_GUARDS),
      }),
    )
    .default({}),
});

/** A credential that was accepted; `isValid` turns false when it is withdrawn or over. */
export type Credential = {
  readonly caller: Caller;
  readonly grants: Grants;
  readonly isValid: () => boolean;
};

/** The keys of a file, or everybody on this machine. */
export interface KeyStore {
  /** False where everybody on this machine may call without a key. */
  readonly required: boolean;
  /** Null for a key that is missing, unknown or withdrawn. */
  find(key: string | null): Credential | null;
  /** What a key is good for right now; null once it is withdrawn. A null id stands for calls without a key. */
  grantsOf(keyId: string | null): Grants | null;
  /** What limits a caller: its key, itself, its tenant. */
  limitsOf(owner: Owner): Readonly<Record<ScopeKind, Limits | null>>;
  /** What is kept out of a tenant's texts. */
  guardsOf(tenantId: string): Guards;
  stop(): void;
}

/** Who may call, by every kind of credential. */
export interface Keys extends Omit<KeyStore, 'find' | 'stop'> {
  /**
   * Null for a credential that is missing, unknown, over or withdrawn. A promise where somebody else has to be asked; it
   * rejects with `unavailable` where they do not answer.
   */
  find(key: string | null): Credential | null | Promise<Credential | null>;
  stop(): Promise<void>;
}

/** Where a key is needed and no file has any: those of the log. */
const nobody: KeyStore = {
  required: true,
  find: () => null,
  grantsOf: () => null,
  limitsOf: () => ({ key: null, user: null, tenant: null }),
  guardsOf: () => NO_GUARDS,
  stop: () => undefined,
};
/** Where no key is needed there is one tenant, and whoever is on the machine reads its topics anyway. */
const LOCAL: Grants = { ...ORDINARY, topics: SUBSCRIBABLE };
const EVERYBODY: Caller = { tenantId: 'default', principal: 'local', keyId: null };
/** How often open connections are asked whether their key is still in force. */
export const CREDENTIAL_CHECK_MS = 2_000;
/** A key that is withdrawn stops working within this time, on open sockets too. */
const RELOAD_MS = 2_000;

/**
 * Opens the keys file, and reads it again when it changes. Without one only a loopback address may be served.
 * Throws StenoError `keys_required` and `bad_keys_file`.
 */
export function openKeys(
  { keysFile: file, host, auth, jwt }: Pick<Config, 'keysFile' | 'host' | 'auth' | 'jwt'>,
  logger: Logger,
): KeyStore {
  if (file === null) return auth === 'required' || jwt !== null ? nobody : everybody(host, logger);
  let keys = readKeys(file);
  let changed = changeOf(file);
  const timer = setInterval(() => {
    const now = changeOf(file);
    if (now === changed) return;
    changed = now;
    try {
      keys = readKeys(file);
      logger.info('keys file was read again', { keys: keys.callers.size });
    } catch (error) {
      logger.error('keys file is bad: the keys read before stay in force', { error: errorMessage(error) });
    }
  }, RELOAD_MS);
  timer.unref();
  return {
    required: true,
    find(key) {
      if (key === null || key.length > 500) return null;
      const digest = hash('sha256', key, 'hex');
      // Looked up by its hash: how long that takes says nothing of how near a guess is.
      const caller = keys.callers.get(digest);
      if (caller === undefined) return null;
      const grants = keys.grantsOf(caller.keyId);
      if (grants === null) return null;
      return {
        caller,
        grants,
        isValid: () => keys.callers.get(digest)?.tenantId === caller.tenantId,
      };
    },
    grantsOf: (keyId) => keys.grantsOf(keyId),
    limitsOf: (owner) => keys.limitsOf(owner),
    guardsOf: (tenantId) => keys.guardsOf(tenantId),
    stop: () => clearInterval(timer),
  };
}

/** Returns the key of an Authorization header; null for anything but a bearer key. */
export function bearerOf(header: string | undefined): string | null {
  const found = /^Bearer +(\S{1,500})$/i.exec(header ?? '');
  return found?.[1] ?? null;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function everybody(host: string, logger: Logger): KeyStore {
  if (!isLoopback(host)) {
    throw new StenoError(
      'keys_required',
      `STENO_HOST is ${host}, which others can reach, and no keys file is set`,
      {
        fix: 'set STENO_AUTH=required and make keys with steno keys create, or set STENO_KEYS_FILE, or STENO_HOST to 127.0.0.1',
      },
    );
  }
  logger.warn('no keys file: everybody on this machine may call as tenant default', { host });
  const credential: Credential = { caller: EVERYBODY, grants: LOCAL, isValid: () => true };
  return {
    required: false,
    find: () => credential,
    grantsOf: (keyId) => (keyId === null ? LOCAL : null),
    limitsOf: () => ({ key: null, user: null, tenant: null }),
    guardsOf: () => NO_GUARDS,
    stop: () => undefined,
  };
}

/** What a keys file says. */
export type KeysFile = {
  /** By the SHA-256 of the key. */
  readonly callers: ReadonlyMap<string, Caller>;
  readonly grantsOf: KeyStore['grantsOf'];
  readonly limitsOf: KeyStore['limitsOf'];
  readonly guardsOf: KeyStore['guardsOf'];
};

function readKeys(file: string): KeysFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw badFile(`${file} cannot be read`, cause);
  }
  return parseKeys(text, file);
}

/** Parses a keys file. Throws StenoError `bad_keys_file` that names every problem and quotes no hash. */
export function parseKeys(text: string, file: string): KeysFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badFile(`${file} is not JSON`);
  }
  const result = keysFile.safeParse(value);
  if (!result.success) {
    const problems = result.error.issues.map(
      (issue) => `${issue.path.slice(0, 1).join('')}: ${issue.message}`,
    );
    throw badFile(`${file} is not a keys file: ${problems.join('; ')}`);
  }
  const { keys, tenants } = result.data;
  const callers = new Map<string, Caller>();
  const limitsOfKey = new Map<string, Limits | null>();
  const grantsOfKey = new Map<string, Grants>();
  for (const [digest, { tenant, principal, limits, ...grants }] of Object.entries(keys)) {
    // Names the key on the log: of a digest of 256 bits, enough to tell keys apart and too little to find one.
    const keyId = digest.slice(0, 16);
    callers.set(digest, { tenantId: tenant, principal, keyId });
    limitsOfKey.set(keyId, limits);
    grantsOfKey.set(keyId, grants);
  }
  return {
    callers,
    grantsOf: (keyId) => (keyId === null ? null : (grantsOfKey.get(keyId) ?? null)),
    guardsOf: (tenantId) =>
      (Object.hasOwn(tenants, tenantId) ? tenants[tenantId]?.guards : null) ?? NO_GUARDS,
    limitsOf({ tenantId, keyId }) {
      const tenant = Object.hasOwn(tenants, tenantId) ? tenants[tenantId] : undefined;
      return {
        key: keyId === null ? null : (limitsOfKey.get(keyId) ?? null),
        user: tenant?.user_limits ?? null,
        tenant: tenant?.limits ?? null,
      };
    },
  };
}

function badFile(message: string, cause?: unknown): StenoError {
  return new StenoError('bad_keys_file', message, {
    fix: 'write {"keys": {"<sha256 of key>": {"tenant": "…", "principal": "…"}}}',
    ...(cause === undefined ? {} : { cause }),
  });
}

function changeOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? 'missing' : `${found.mtimeMs}:${found.size}:${found.ino}`;
}
