import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload } from 'jose';
import { z } from 'zod';
import type { Config } from '../../runtime/config.ts';
import type { ExternalCalls } from '../../runtime/external-call.ts';
import type { Credential } from '../keys.ts';
import { refuse } from '../problems.ts';

/** Signatures of key pairs only: what an issuer publishes must not be able to sign. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const FETCH_MS = 5_000;
/** How far the issuer's clock may be ahead, in seconds. */
const TOLERANCE_S = 5;

const name = z.string().regex(/^[\w.:@-]{1,128}$/);
const ownClaims = z.object({
  sub: z.string().regex(/^[\x21-\x7e]{1,200}$/),
  exp: z.number(),
  steno_role: z.enum(['user', 'auditor']).default('user'),
  steno_models: z.array(z.string().max(256)).max(100).nullable().default(null),
  steno_topics: z.array(z.string().max(256)).max(100).nullable().default(null),
});

/** Tokens of the users' own identity provider (RFC 7519). */
export interface JsonWebTokens {
  /** Null for a token that is not good here. Throws `unavailable` where the issuer's keys cannot be had. */
  find(token: string): Promise<Credential | null>;
}

/** True for what is spelled like a signed token in compact form (RFC 7515). */
export function looksLikeJsonWebToken(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
}

/**
 * Verifies tokens of one issuer for one audience with the keys at its address; keys that a token brings or points to are
 * never used. A token names its user in `sub` and the tenant in the configured claim; `steno_role` (user or auditor),
 * `steno_models` and `steno_topics` narrow or widen it. Nobody becomes an administrator by one.
 */
export function createJsonWebTokens(config: NonNullable<Config['jwt']>, calls: ExternalCalls): JsonWebTokens {
  const call = calls.open({ name: 'jwks' });
  const keySet = createRemoteJWKSet(new URL(config.jwksUrl), {
    timeoutDuration: FETCH_MS,
    [customFetch]: (url, options) =>
      call.run((signal) => fetch(url, { ...options, signal }), { signal: options.signal, millis: FETCH_MS }),
  });

  async function verified(token: string): Promise<JWTPayload | null> {
    try {
      const { payload } = await jwtVerify(token, keySet, {
        algorithms: ALGORITHMS,
        issuer: config.issuer,
        audience: config.audience,
        requiredClaims: ['exp', 'sub', config.tenantClaim],
        clockTolerance: TOLERANCE_S,
      });
      return payload;
    } catch (error) {
      if (tellsOfToken(error)) return null;
      throw refuse('unavailable', 'the keys of the token issuer cannot be had', {
        fix: 'try again shortly',
        cause: error,
      });
    }
  }

  return {
    async find(token) {
      const payload = await verified(token);
      if (payload === null) return null;
      const tenant = name.safeParse(payload[config.tenantClaim]);
      const claims = ownClaims.safeParse(payload);
      if (!tenant.success || !claims.success) return null;
      const { sub, exp, steno_role: role, steno_models: models, steno_topics: topics } = claims.data;
      return {
        caller: { tenantId: tenant.data, principal: `user:${sub}`, keyId: null },
        grants: { role, models, routes: null, topics },
        isValid: () => Date.now() < (exp + TOLERANCE_S) * 1000,
      };
    },
  };
}

/** False for what is wrong on the way to the issuer's keys, or with them. */
function tellsOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported
  );
}
