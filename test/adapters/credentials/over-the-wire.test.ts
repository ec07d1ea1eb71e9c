import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { UnsecuredJWT } from 'jose';
import { bearerTokenAuthenticator } from '../../../src/adapters/credentials/tokens/bearer-token.ts';
import { jwtVerifier } from '../../../src/adapters/credentials/tokens/jwt-verifier.ts';
import { clientCertificateAuthenticator } from '../../../src/adapters/credentials/client-certificate.ts';
import { authenticate } from '../../../src/authority/surface/authenticate.ts';
import { FakeLeafRecords } from '../../support/authority-parts.ts';
import { TEST_TRUST_DOMAIN as trustDomain, testAuthority } from '../../support/certificates.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';
import { caOf, leafUnder, type LeafOptions, type TestLeaf } from '../grpc/leaves.ts';
import { CHAIN, CsrWire, openTlsEdge, type TlsEdge } from '../grpc/wire.ts';
import { claims, ISSUER, ScriptedKeys, sign, signingKey, type SigningKey } from './tokens/token-maker.ts';

const DAY_MS = 86_400_000;
const OTHER = 'spiffe://cluster.local/ns/bank/sa/vault';

describe('A caller at the TLS listener', () => {
  let edge: TlsEdge;
  let key: SigningKey;
  let authenticated: string[];
  let records: FakeLeafRecords;

  before(async () => (key = await signingKey('one')));
  beforeEach(async () => {
    edge = await openTlsEdge();
    authenticated = [];
    records = new FakeLeafRecords(edge.pki.issuer.id, Date.now());
    const clock = new FakeClock(NOON_MS);
    const keys = new ScriptedKeys(key);
    const issuer = { issuer: ISSUER, audiences: ['istio-ca'], algorithms: ['ES256'], clockSkewMs: 0, keys } as const;
    const authenticators = [
      clientCertificateAuthenticator({
        clock: new FakeClock(Date.now()),
        trustDomain,
        records,
        ownIssuers: () => [caOf(edge.pki.intermediate)],
        lookForIssuers: async () => undefined,
        furtherIssuers: () => [],
        isTainted: () => false,
        maxProofAgeMs: () => DAY_MS,
      }),
      bearerTokenAuthenticator({ clock, verifier: jwtVerifier({ clock, trustDomain, issuers: [issuer] }) }),
    ];
    edge.authority.answer = async (signal) => {
      const caller = await authenticate(authenticators, edge.authority.presented.at(-1)!, { signal });
      authenticated.push(`${caller.authenticationMethod} ${caller.identity.spiffeId.uri}`);
      return CHAIN;
    };
  });
  afterEach(async () => edge[Symbol.asyncDispose]());

  it('with a token is its service account', async () => {
    using wire = CsrWire.toTls(edge);
    const { code } = await wire.call({ headers: { authorization: `Bearer ${await sign(key)}` } });
    assert.equal(code, status.OK);
    assert.deepEqual(authenticated, ['token spiffe://cluster.local/ns/shop/sa/api']);
  });

  it('with a client certificate is whom that names, whatever token comes with it', async () => {
    using wire = CsrWire.toTls(edge, await leafUnder(edge.pki.intermediate, { uris: [OTHER] }));
    const { code } = await wire.call({ headers: { authorization: `Bearer ${await sign(key)}` } });
    assert.equal(code, status.OK);
    assert.deepEqual(authenticated, [`client-certificate ${OTHER}`]);
  });

  it('with a client certificate that does not verify is refused, although its token is good', async () => {
    const stranger = await testAuthority();
    using wire = CsrWire.toTls(edge, await leafUnder(stranger.intermediate, { uris: [OTHER] }));
    const { code, details } = await wire.call({ headers: { authorization: `Bearer ${await sign(key)}` } });
    assert.equal(code, status.UNAUTHENTICATED);
    assert.match(details, /^CAP-A02 /);
  });

  const insufficient: readonly (readonly [what: string, reason: string, make: () => Promise<TestLeaf>])[] = [
    ['whose proof is too old', 'CAP-A08', async () => leafProven(Date.now() - 2 * DAY_MS)],
    ['of another issuer under our root', 'CAP-A09', async () => leafBeside()],
    ['straight from our root', 'CAP-A09', async () => leafUnder(edge.pki.root, { uris: [OTHER] })],
    ['of which nothing is on record', 'CAP-A10', async () => leafProven(undefined)],
  ];
  const leafProven = async (provenAtMs: number | undefined): Promise<TestLeaf> => {
    const lineage = { id: 'first', provenAtMs: provenAtMs ?? 0 };
    records.known = provenAtMs === undefined ? undefined : { issuer: edge.pki.issuer.id, lineage };
    return leafUnder(edge.pki.intermediate, { uris: [OTHER] });
  };
  const leafBeside = async (): Promise<TestLeaf> =>
    leafUnder((await testAuthority({ root: edge.pki.root })).intermediate, { uris: [OTHER] });
  for (const [what, reason, make] of insufficient) {
    it(`with a client certificate ${what} is whom the token beside it names, and nobody without`, async () => {
      using wire = CsrWire.toTls(edge, await make());
      const alone = await wire.call();
      assert.equal(alone.code, status.UNAUTHENTICATED);
      assert.ok(alone.details.startsWith(`${reason} `), alone.details);
      const { code } = await wire.call({ headers: { authorization: `Bearer ${await sign(key)}` } });
      assert.equal(code, status.OK);
      assert.deepEqual(authenticated, ['token spiffe://cluster.local/ns/shop/sa/api']);
      const { details } = await wire.call({ headers: { authorization: 'Bearer a.b.c' } });
      assert.match(details, /^CAP-A05 /, 'the token decides, also when it is a bad one');
    });
  }

  const decides: readonly (readonly [what: string, reason: string, options: LeafOptions])[] = [
    ['without an extended usage', 'CAP-A02', { extendedUsages: [] }],
    ['for servers alone', 'CAP-A02', { extendedUsages: ['1.3.6.1.5.5.7.3.1'] }],
    ['that has expired', 'CAP-A02', { notBeforeMs: Date.now() - 7_200_000, notAfterMs: Date.now() - 3_600_000 }],
    ['of another trust domain', 'CAP-A03', { uris: ['spiffe://other/ns/bank/sa/vault'] }],
    ['with two identities', 'CAP-A03', { uris: [OTHER, `${OTHER}2`] }],
  ];
  for (const [what, reason, options] of decides) {
    it(`with a client certificate ${what} is refused, although its token is good`, async () => {
      using wire = CsrWire.toTls(edge, await leafUnder(edge.pki.intermediate, { uris: [OTHER], ...options }));
      const { code, details } = await wire.call({ headers: { authorization: `Bearer ${await sign(key)}` } });
      assert.equal(code, status.UNAUTHENTICATED);
      assert.ok(details.startsWith(`${reason} `), details);
    });
  }

  const refused: readonly (readonly [string, () => Promise<Record<string, string>>, RegExp])[] = [
    ['without a credential', async () => ({}), /^CAP-A01 /],
    ['with a token of no issuer', async () => ({ authorization: 'Bearer a.b.c' }), /^CAP-A05 /],
    ['with an unsigned token', async () => bearing(new UnsecuredJWT(claims()).encode()), /^CAP-A05 /],
    ['with an expired token', async () => bearing(await sign(key, claims({ exp: NOON_MS / 1000 - 1 }))), /^CAP-A05 /],
    ['with a token for another', async () => bearing(await sign(key, claims({ aud: 'vault' }))), /^CAP-A05 /],
    ['with a token of a user', async () => bearing(await sign(key, claims({ sub: 'alice' }))), /^CAP-A06 /],
    ['with a token of 17 KiB', async () => bearing('x'.repeat(17 * 1024)), /^CAP-A04 /],
  ];
  const bearing = (token: string) => ({ authorization: `Bearer ${token}` });
  for (const [what, headers, details] of refused) {
    it(`${what} is not authenticated`, async () => {
      using wire = CsrWire.toTls(edge);
      const outcome = await wire.call({ headers: await headers() });
      assert.equal(outcome.code, status.UNAUTHENTICATED);
      assert.match(outcome.details, details);
    });
  }
});
