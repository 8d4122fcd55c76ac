import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { checkPort } from '../../../cli/up/check-port.ts';

describe('the port of the gateway', () => {
  const server: Server = createServer();
  let taken = 0;
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    taken = typeof address === 'object' && address !== null ? address.port : 0;
  });
  after(() => void server.close());

  test('may be any', async () => {
    await checkPort(0, '127.0.0.1');
  });

  test('is refused by number when somebody listens there', async () => {
    await assert.rejects(checkPort(taken, '127.0.0.1'), {
      code: 'port_in_use',
      message: `port ${taken} on 127.0.0.1 is already in use`,
    });
  });

  test('is free again when nobody does', async () => {
    await new Promise((resolve) => server.close(resolve));
    await checkPort(taken, '127.0.0.1');
  });

  test('must be on an address of this machine', async () => {
    await assert.rejects(checkPort(0, '192.0.2.1'), { code: 'bad_host' });
  });
});
