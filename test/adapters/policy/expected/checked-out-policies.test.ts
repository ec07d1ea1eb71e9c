import assert from 'node:assert/strict';
import { CheckedOutPolicies, type Checkout } from '../../../../src/adapters/policy/expected/checked-out-policies.ts';

const policy = (name: string): string =>
  JSON.stringify({
    apiVersion: 'capstan.dev/v1alpha1',
    kind: 'IssuancePolicy',
    metadata: { name, namespace: 'shop' },
    spec: { deny: { serviceAccounts: ['bad'] } },
  });

describe('Policies in a checkout', () => {
  let checkout: Checkout;
  let policies: CheckedOutPolicies;
  beforeEach(() => {
    checkout = { texts: new Map([['a.yaml', policy('a')]]), gitRevision: 'a1' };
    policies = new CheckedOutPolicies({
      read: async () => checkout,
      placeOf: (name) => `/git/${name}`,
      onChange: () => undefined,
    });
  });

  it('are read with their places and their commit', async () => {
    const { policies: read, gitRevision } = await policies.read();
    assert.deepEqual(
      read.map(({ document, position }) => [document.name, position!.place]),
      [['a', '/git/a.yaml']],
    );
    assert.equal(gitRevision, 'a1');
  });

  it('are the same object until they change', async () => {
    const first = await policies.read();
    checkout = { ...checkout, texts: new Map(checkout.texts) };
    assert.equal(await policies.read(), first);
    checkout = { ...checkout, gitRevision: 'b2' };
    const second = await policies.read();
    assert.notEqual(second, first);
    checkout = { ...checkout, texts: new Map([['b.yaml', policy('b')]]) };
    assert.equal((await policies.read()).policies[0]!.document.name, 'b');
  });

  it('are all or nothing: a file that is no policy is named', async () => {
    checkout = { texts: new Map([...checkout.texts, ['kustomization.yaml', 'resources: [a.yaml]']]) };
    await assert.rejects(policies.read(), /CAP-X03.*\/git\/kustomization\.yaml/s);
  });
});
