import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';

const ISSUER = 'https://login.example';
const AUDIENCE = 'steno';

/** An identity provider: it publishes its key and signs tokens with it, and with others where a test asks for it. */
export type TokenIssuer = {
  /** What a gateway that trusts it is configured with. */
  readonly env: Readonly<Record<string, string>>;
  /** A token of user auth0|ann of tenant acme, for ten minutes, unless the claims say otherwise. */
  readonly sign: (claims?: JWTPayload) => Promise<string>;
  /** Tokens that look like its own and are not, by what is wrong with them. */
  readonly forged: () => Promise<Readonly<Record<string, string>>>;
  /** It answers nothing any more. */
  readonly fail: () => void;
  readonly stop: () => Promise<void>;
};

export async function startTokenIssuer(): Promise<TokenIssuer> {
  const own = await generateKeyPair('ES256');
  const stranger = await generateKeyPair('ES256');
  const published = { ...(await exportJWK(own.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
  let isWell = true;
  const server = createServer((_request, response) => {
    if (!isWell) return void response.writeHead(500).end();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: [published] }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;

  function sign(claims: JWTPayload = {}, key = own.privateKey, header: object = {}): Promise<string> {
    return new SignJWT({ tenant: 'acme', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'one', ...header })
      .setIssuer(claims.iss ?? ISSUER)
      .setAudience(claims.aud ?? AUDIENCE)
      .setSubject(claims.sub ?? 'auth0|ann')
      .setExpirationTime(claims.exp ?? '10m')
      .sign(key);
  }

  return {
    env: {
      STENO_JWT_ISSUER: ISSUER,
      STENO_JWT_AUDIENCE: AUDIENCE,
      STENO_JWT_JWKS_URL: `http://127.0.0.1:${port}/jwks.json`,
    },
    sign: (claims) => sign(claims),
    forged: async () => ({
      'another key': await sign({}, stranger.privateKey),
      'a key it brings itself': await sign({}, stranger.privateKey, {
        jwk: await exportJWK(stranger.publicKey),
        kid: 'own',
      }),
      'a key it points to': await sign({}, stranger.privateKey, { jku: 'https://evil.example/keys' }),
      'no signature': new UnsecuredJWT({ tenant: 'acme' }).setIssuer(ISSUER).setAudience(AUDIENCE).encode(),
      'a shared secret': await new SignJWT({ tenant: 'acme', sub: 'x' })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setExpirationTime('1m')
        .sign(new TextEncoder().encode('a secret that is long enough for HS256')),
      'another issuer': await sign({ iss: 'https://evil.example' }),
      'another audience': await sign({ aud: 'billing' }),
      'its time is over': await sign({ exp: 1_000_000 }),
      'no tenant': await sign({ tenant: undefined }),
      'a tenant that is no name': await sign({ tenant: { $ne: null } }),
      'an administrator': await sign({ steno_role: 'operator' }),
    }),
    fail: () => void (isWell = false),
    async stop() {
      server.close();
      await once(server, 'close');
    },
  };
}
