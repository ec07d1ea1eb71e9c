import assert from 'node:assert/strict';
import { UnsecuredJWT, type JWTPayload } from 'jose';
import { clustersVerifier } from '../../../../../src/adapters/credentials/tokens/clusters/clusters-verifier.ts';
import { FakeVerifier } from '../fake-verifier.ts';

const OWN = 'https://kubernetes.default.svc';
const LISTED = 'https://login.corp.example';
const OF_KUBERNETES = { 'kubernetes.io': { namespace: 'shop' } };

describe('A token is judged by', () => {
  let own: FakeVerifier;
  let west: FakeVerifier;
  let others: FakeVerifier;
  let ownIssuer: string | undefined;
  beforeEach(() => {
    [own, west, others] = [new FakeVerifier(), new FakeVerifier(), new FakeVerifier()];
    for (const fake of [own, west, others]) fake.verdict = { outcome: 'refused', reason: 'CAP-A05', detail: '' };
    ownIssuer = OWN;
  });

  const judge = async (clusterId: string | undefined, payload: JWTPayload = {}, listed = [LISTED]) => {
    const clusters = {
      byId: (id?: string) => (id === undefined ? ofOwn() : id === 'west' ? ofWest : undefined),
      all: () => [ofOwn(), ofWest],
    };
    const ofOwn = () => ({ verifier: own, issuer: ownIssuer });
    const ofWest = { verifier: west, issuer: OWN };
    const verifier = clustersVerifier({ clusters, others: { verifier: others, issuers: listed } });
    const token = new UnsecuredJWT({ iss: OWN, ...payload }).encode();
    const { signal } = new AbortController();
    const verdict = await verifier.verify(token, { signal, ...(clusterId !== undefined && { clusterId }) });
    const asked = { own, west, others };
    const judges = Object.entries(asked).filter(([, fake]) => fake.asked.length > 0);
    return { verdict, judges: judges.map(([name]) => name) };
  };

  it('the keys of the own cluster when the call names none', async () => {
    assert.deepEqual((await judge(undefined)).judges, ['own']);
  });

  it('the keys of the cluster that the call names, though both call their issuer the same', async () => {
    assert.deepEqual((await judge('west')).judges, ['west']);
  });

  it('nobody when the call names a cluster that is not known, and the line says which', async () => {
    const { verdict, judges } = await judge('north');
    assert.deepEqual(judges, []);
    assert.deepEqual(verdict, { outcome: 'refused', reason: 'CAP-A14', detail: 'clusterid "north"' });
    const long = await judge('x'.repeat(10_000));
    assert.ok(long.verdict.outcome === 'refused' && long.verdict.detail.length < 100);
  });

  it('the issuers that are configured one by one, whatever cluster the call names', async () => {
    for (const id of [undefined, 'west', 'north']) {
      others.asked.length = 0;
      assert.deepEqual((await judge(id, { iss: LISTED, ...OF_KUBERNETES })).judges, ['others']);
    }
  });

  it('its cluster where that is also configured one by one: only there is it known whose pods are gone', async () => {
    for (const id of [undefined, 'west', 'north']) await judge(id, OF_KUBERNETES, [OWN]);
    assert.deepEqual(others.asked, []);
  });

  it('its cluster while that has not said its name, when it looks like one of Kubernetes', async () => {
    ownIssuer = undefined;
    assert.deepEqual((await judge(undefined, { iss: LISTED, ...OF_KUBERNETES })).judges, ['own']);
    own.asked.length = 0;
    assert.deepEqual((await judge(undefined, { iss: LISTED })).judges, ['others']);
  });

  it('its cluster when it is no token at all, which refuses it', async () => {
    const clusters = { byId: () => ({ verifier: own, issuer: OWN }), all: () => [] };
    const verifier = clustersVerifier({ clusters, others: { verifier: others, issuers: [LISTED] } });
    await verifier.verify('garbage', { signal: new AbortController().signal });
    assert.deepEqual(own.asked, ['garbage']);
  });
});
