import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { certifiedOperator, type RoleNames } from '../../../../src/adapters/http/admin/certified-operator.ts';
import { OperatorRates } from '../../../../src/adapters/http/admin/operator-rates.ts';
import { createRoot, issueLeaf, type LeafRequest, type TestAuthority } from '../../../peers/support/pki.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';

const NOBODY: RoleNames = { viewer: [], operator: [], security: [] };

describe('Who an operator is by a client certificate', () => {
  let root: TestAuthority;
  before(async () => {
    root = await createRoot('People');
  });
  const who = async (request: LeafRequest, roles: Partial<RoleNames>) => {
    const { chainPem } = await issueLeaf(root, request);
    return certifiedOperator(new X509Certificate(chainPem).raw, { ...NOBODY, ...roles });
  };

  it('is the highest role that one of its names has', async () => {
    const roles = { viewer: ['URI:spiffe://corp/ops/*'], security: ['DNS:alice.example'] };
    assert.deepEqual(await who({ uri: 'spiffe://corp/ops/alice' }, roles), {
      actor: 'URI:spiffe://corp/ops/alice',
      role: 'viewer',
      local: false,
      names: ['URI:spiffe://corp/ops/alice'],
    });
    const both = await who({ uri: 'spiffe://corp/ops/alice', dns: 'alice.example' }, roles);
    assert.equal(both.role, 'security');
  });

  it('is one person by one certificate, whichever of its names has the role', async () => {
    const names = { uri: 'spiffe://corp/ops/alice', dns: 'alice.example' };
    const byUri = await who(names, { security: ['URI:spiffe://corp/ops/alice'] });
    const byDns = await who(names, { security: ['DNS:alice.example'] });
    assert.equal(byUri.actor, byDns.actor);
    for (const one of [byUri, byDns])
      assert.deepEqual('names' in one && one.names, ['URI:spiffe://corp/ops/alice', 'DNS:alice.example']);
  });

  it('is a common name where there is no other, as an authority has it', () => {
    const der = new X509Certificate(root.certificatePem).raw;
    assert.deepEqual(certifiedOperator(der, { ...NOBODY, operator: ['CN:People'] }), {
      actor: 'CN:People',
      role: 'operator',
      local: false,
      names: ['CN:People'],
    });
  });

  it('is nobody by a name of another kind, a longer or a shorter name, or none', async () => {
    const uri = 'spiffe://corp/ops/alice';
    for (const pattern of ['DNS:spiffe://corp/ops/alice', `URI:${uri}2`, 'URI:spiffe://corp/ops/alic', 'URI:ops/*'])
      assert.deepEqual(await who({ uri }, { security: [pattern] }), { actor: `URI:${uri}`, role: 'none' }, pattern);
    assert.equal((await who({ ip: '192.0.2.7' }, { security: ['CN:x'] })).actor, 'a certificate without a name');
  });
});

describe('What one operator may ask for', () => {
  it('is sixty at once and two a second, and nobody takes it from another', async () => {
    const clock = new FakeClock();
    const rates = new OperatorRates(clock);
    const asks = (actor: string, times: number): number =>
      Array.from({ length: times }, () => rates.overloaded(actor)).filter((refused) => !refused).length;
    assert.equal(asks('CN:mallory', 500), 60);
    assert.equal(asks('CN:alice', 5), 5);
    await clock.advance(10_000);
    assert.equal(asks('CN:mallory', 500), 20);
  });
});
