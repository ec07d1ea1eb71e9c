import assert from 'node:assert/strict';
import { calledIn, claimedOperator } from '../../../../src/adapters/http/console/oidc/claimed-operator.ts';

const PEOPLE = {
  claim: 'groups',
  roles: { viewer: ['mesh-viewers'], operator: ['mesh-operators'], security: ['mesh-security'] },
  teams: [
    { member: 'group:team-shop', namespaces: ['shop', 'cart'] },
    { member: 'group:team-pay', namespaces: ['pay', 'cart'] },
    { member: 'CN:alice', namespaces: ['kube-system'] },
  ],
};
const roleOf = (groups: unknown): string => claimedOperator({ sub: '7', groups }, PEOPLE).role;

describe('A person by the claims of an ID token', () => {
  it('has the highest role that a value of the claim gives', () => {
    assert.equal(roleOf(['staff', 'mesh-viewers']), 'viewer');
    assert.equal(roleOf(['mesh-security', 'mesh-viewers']), 'security');
    assert.equal(roleOf('mesh-operators'), 'operator');
  });

  for (const groups of [
    undefined,
    null,
    [],
    'staff',
    ['mesh-security '],
    [{ name: 'mesh-security' }],
    { 0: 'mesh-security' },
  ]) {
    it(`has no role with ${JSON.stringify(groups)}`, () => assert.equal(roleOf(groups), 'none'));
  }

  it('is called by the name that the provider gives to nobody else', () => {
    assert.equal(
      claimedOperator({ sub: '7', email: 'sam@corp.example', groups: 'mesh-viewers' }, PEOPLE).actor,
      'OIDC:7',
    );
    assert.equal(calledIn({ sub: '7', email: 'sam@corp.example' }), 'sam@corp.example');
    assert.equal(calledIn({ sub: '7', name: 'x'.repeat(400_000) })?.length, 300);
  });

  it('sees the namespaces of all of its teams where it has no role', () => {
    const person = claimedOperator({ sub: '7', groups: ['team-shop', 'team-pay'] }, PEOPLE);
    assert.deepEqual(person, { actor: 'OIDC:7', role: 'viewer', local: false, namespaces: ['cart', 'pay', 'shop'] });
  });

  it('sees all where it has a role too', () => {
    const person = claimedOperator({ sub: '7', groups: ['team-shop', 'mesh-viewers'] }, PEOPLE);
    assert.equal('namespaces' in person, false);
  });

  it('is of no team that is named by a certificate, whatever the provider says', () => {
    for (const groups of ['CN:alice', 'alice', 'group:team-shop']) assert.equal(roleOf(groups), 'none');
  });
});
