import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adminOperations } from '../../../../gateway/admin/operations.ts';
import { operations, type Operation } from '../../../../gateway/http/operations.ts';
import {
  mayCall,
  mayGrant,
  mayManage,
  mayUseModel,
  ORDINARY,
  seesTenant,
  type Grants,
} from '../../../../policies/identity/grants.ts';
import type { KeyRole } from '../../../../schemas/generated/types.ts';

const roles: readonly KeyRole[] = ['user', 'auditor', 'admin', 'operator', 'OTHER'];
const secured = (list: readonly Operation[]): readonly Operation[] => list.filter(({ secured: is }) => is);

function grants(role: KeyRole, routes: Grants['routes'] = null): Grants {
  return { role, models: null, routes, topics: null };
}

test('each role may call what it is for, of all that there is, and nothing else', () => {
  for (const role of roles) {
    for (const operation of secured(operations)) {
      const expected =
        role === 'user' ||
        (role === 'auditor' && operation.method === 'GET') ||
        (['admin', 'operator'].includes(role) && operation.id === 'status');
      assert.equal(
        mayCall(grants(role), { port: 'clients', ...operation }),
        expected,
        `${role} ${operation.id}`,
      );
    }
    for (const operation of secured(adminOperations)) {
      const expected = role === 'admin' || role === 'operator';
      assert.equal(
        mayCall(grants(role), { port: 'admin', ...operation }),
        expected,
        `${role} ${operation.id}`,
      );
    }
  }
});

test('routes narrow a role and never widen it', () => {
  const call = (routes: readonly string[], path: string, role: KeyRole = 'user') =>
    mayCall(grants(role, routes), { port: 'clients', method: 'POST', path });
  assert.equal(call(['/v1/chat'], '/v1/chat'), true);
  assert.equal(call(['/v1/chat'], '/v1/chat/completions'), false);
  assert.equal(call(['/v1/chat*'], '/v1/chat/completions'), true);
  assert.equal(call([], '/v1/chat'), false);
  assert.equal(call(['*'], '/v1/chat', 'auditor'), false);
  assert.equal(mayCall(grants('user', ['*']), { port: 'admin', method: 'GET', path: '/v1/keys' }), false);
});

test('models are named by their ids', () => {
  assert.equal(mayUseModel(ORDINARY, 'any'), true);
  assert.equal(mayUseModel({ ...ORDINARY, models: ['small'] }, 'small'), true);
  assert.equal(mayUseModel({ ...ORDINARY, models: ['small'] }, 'large'), false);
  assert.equal(mayUseModel({ ...ORDINARY, models: [] }, 'small'), false);
});

test('an auditor sees the tenant; who manages it does not', () => {
  assert.deepEqual(
    roles.filter((role) => seesTenant(grants(role))),
    ['auditor'],
  );
});

test('a manager manages its own tenant, an operator all; nobody gives away more than it has', () => {
  assert.deepEqual(
    roles.filter((role) => mayManage(grants(role), 'acme', 'acme')),
    ['admin', 'operator'],
  );
  assert.deepEqual(
    roles.filter((role) => mayManage(grants(role), 'acme', 'other')),
    ['operator'],
  );
  for (const given of roles)
    assert.deepEqual(
      roles.filter((role) => mayGrant(grants(role), given)),
      given === 'operator' ? ['operator'] : ['admin', 'operator'],
      given,
    );
});
