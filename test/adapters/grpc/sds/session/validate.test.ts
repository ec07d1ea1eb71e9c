import assert from 'node:assert/strict';
import { bundleProblem, svidProblem } from '../../../../../src/adapters/grpc/sds/session/validate.ts';
import type { WorkloadSvid } from '../../../../../src/authority/surface/surface.ts';
import type { TrustBundle } from '../../../../../src/domain/trust/bundle.ts';
import { testAuthority, type TestAuthority } from '../../../../support/certificates.ts';
import { workloadSvid } from '../../../../support/workload-svid.ts';

const URI = 'spiffe://cluster.local/ns/default/sa/demo';
const HOUR_MS = 3_600_000;
const GARBAGE_PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

describe('The last look at a secret', () => {
  let authority: TestAuthority;
  let svid: WorkloadSvid;
  let other: WorkloadSvid;

  before(async () => {
    authority = await testAuthority();
    svid = await workloadSvid(authority, URI);
    other = await workloadSvid(await testAuthority(), URI);
  });

  const problemOf = (change: Partial<WorkloadSvid>, nowMs = Date.now()) => svidProblem({ ...svid, ...change }, nowMs);
  const [leafPem, issuerPem] = ['leaf', 'issuer'].map((_, at) => () => blocks(svid.certificateChainPem)[at]!);

  it('lets a good certificate pass', () => {
    assert.equal(problemOf({}), undefined);
  });

  it('stops a chain that is empty or does not parse', () => {
    assert.match(problemOf({ certificateChainPem: '' })!, /no PEM block/);
    assert.match(problemOf({ certificateChainPem: 'rubbish' })!, /no PEM block/);
    assert.match(problemOf({ certificateChainPem: GARBAGE_PEM })!, /does not parse/);
    assert.match(problemOf({ certificateChainPem: leafPem!() + GARBAGE_PEM })!, /does not parse/);
  });

  it('stops a key that does not parse or belongs to another certificate', () => {
    assert.equal(problemOf({ privateKeyPem: 'rubbish' }), 'the key does not parse');
    assert.equal(problemOf({ privateKeyPem: '' }), 'the key does not parse');
    assert.equal(problemOf({ privateKeyPem: other.privateKeyPem }), 'the key is not that of the leaf');
  });

  it('stops a chain whose certificates do not follow one another', () => {
    const foreign = leafPem!() + blocks(other.certificateChainPem)[1]!;
    assert.match(problemOf({ certificateChainPem: foreign })!, /certificate 0 of the chain is not issued/);
    const reversed = issuerPem!() + leafPem!();
    assert.match(problemOf({ certificateChainPem: reversed })!, /leaf is a CA/);
  });

  it('stops a chain that carries the root', () => {
    const withRoot = svid.certificateChainPem + authority.root.certificatePem;
    assert.equal(problemOf({ certificateChainPem: withRoot }), 'the chain carries a trust anchor');
  });

  it('stops what is expired or not valid yet', () => {
    const nowMs = Date.now();
    assert.match(problemOf({}, nowMs + 2 * HOUR_MS)!, /expired/);
    assert.match(problemOf({ notAfterMs: nowMs }, nowMs)!, /expired/);
    assert.match(problemOf({}, nowMs - 2 * HOUR_MS)!, /not valid yet/);
  });

  it('stops a certificate that does not name exactly the one identity', async () => {
    for (const uris of [['spiffe://cluster.local/ns/default/sa/other'], [URI, `${URI}2`], []]) {
      const wrong = { ...(await workloadSvid(authority, URI, { uris })), identity: svid.identity };
      assert.match(svidProblem(wrong, Date.now())!, /SPIFFE ID/, uris.join());
    }
    const withDns = await workloadSvid(authority, URI, { uris: [URI], dns: ['demo.default.svc'] });
    assert.match(svidProblem(withDns, Date.now())!, /SPIFFE ID/);
  });

  it('lets a good bundle pass and stops an empty, garbled or dead one', () => {
    const { bundle } = authority;
    const judge = (change: Partial<TrustBundle>, nowMs = Date.now()) =>
      bundleProblem(Object.create(bundle, properties(change)) as TrustBundle, nowMs);
    assert.equal(judge({}), undefined);
    assert.match(judge({ pem: '', anchors: [] })!, /no PEM block/);
    assert.match(judge({ pem: GARBAGE_PEM })!, /does not parse/);
    assert.match(judge({ pem: bundle.pem.repeat(2) })!, /not that of its anchors/);
    assert.match(judge({ pem: leafPem!() })!, /not of a CA/);
    assert.match(judge({}, Date.now() + 20 * 365 * 24 * HOUR_MS)!, /expired/);
  });
});

function blocks(pem: string): readonly string[] {
  return pem.match(/-----BEGIN[^]*?-----END CERTIFICATE-----\n?/g) ?? [];
}

function properties(values: object): PropertyDescriptorMap {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { value: value as unknown }]));
}
