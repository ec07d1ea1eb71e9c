import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { status } from '@grpc/grpc-js';
import { REASONS, type Reason } from '../../../src/domain/reasons.ts';
import { leafUnder, type TestLeaf } from '../../adapters/grpc/leaves.ts';
import type { CsrCall, Outcome } from '../../adapters/grpc/wire.ts';
import { eventually } from '../../support/eventually.ts';
import { agentCsr, buildCsr, spiffe, testAuthority } from '../../support/certificates.ts';
import {
  csrNaming,
  csrOffCurve,
  csrOfStolenKey,
  csrSignedWith,
  dnsName,
  pem,
  nestedDer,
} from '../support/hostile-csrs.ts';
import { KeyServer } from '../support/key-server.ts';
import { RunningServer, type Showing } from '../support/running-server.ts';
import type { TestRule } from '../../support/policy/signed-bundle.ts';
import { POLICY, ServerFiles } from '../support/server-files.ts';
import { assertNothingSpilled } from '../support/spilled-secrets.ts';
import { TOKEN_ISSUER } from '../support/token-mint.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const OTHER = 'spiffe://cluster.local/ns/default/sa/other';

/** What one caller asks; a good CSR without names and the token of `default/demo` where nothing is said. */
interface Question extends CsrCall {
  readonly token?: string;
  readonly showing?: Showing;
}

interface Row {
  readonly reason: Reason;
  readonly to: string;
  readonly status: status;
  readonly ask: (files: ServerFiles) => Question | Promise<Question>;
}

const row = (reason: Reason, code: status, to: string, ask: Row['ask']): Row => ({ reason, status: code, to, ask });

/** Refusals that are decisions: each is in the journal under the id that the caller hears. */
const DECIDED: readonly Row[] = [
  row('CAP-A01', status.UNAUTHENTICATED, 'a caller who shows nothing', () => ({ headers: {} })),
  row('CAP-A02', status.UNAUTHENTICATED, 'a client certificate under a stranger', async () => ({
    showing: await leafUnder((await testAuthority()).intermediate, { uris: [DEMO] }),
  })),
  row('CAP-A03', status.UNAUTHENTICATED, 'a client certificate with two names', async ({ pki }) => ({
    showing: await leafUnder(pki.intermediate, { uris: [DEMO, OTHER] }),
  })),
  row('CAP-A04', status.UNAUTHENTICATED, 'a password', () => ({ headers: { authorization: 'Basic ZGVtbzpkZW1v' } })),
  row('CAP-A05', status.UNAUTHENTICATED, 'a token for somebody else', async ({ mint }) => ({
    token: await mint.token('demo', { aud: 'vault' }),
  })),
  row('CAP-A06', status.UNAUTHENTICATED, 'the token of a person', async ({ mint }) => ({
    token: await mint.token('demo', { sub: 'alice' }),
  })),
  row('CAP-A07', status.UNAUTHENTICATED, 'a node that asks for its pod', () => ({
    metadata: { ImpersonatedIdentity: OTHER },
  })),
  row('CAP-A08', status.UNAUTHENTICATED, 'a client certificate that goes back to a proof of last month', staleLeaf),
  row('CAP-A09', status.UNAUTHENTICATED, 'a client certificate of another issuer under our root', async ({ pki }) => ({
    showing: await leafUnder((await testAuthority({ root: pki.root })).intermediate, { uris: [DEMO] }),
  })),
  row('CAP-A10', status.UNAUTHENTICATED, 'a client certificate that is on no record', async ({ pki }) => ({
    showing: await leafUnder(pki.intermediate, { uris: [DEMO] }),
  })),
  row('CAP-C01', status.INVALID_ARGUMENT, 'a CSR that is not PEM', () => ({ csr: 'hello' })),
  row('CAP-C02', status.INVALID_ARGUMENT, 'a CSR that is not PKCS#10', () => ({ csr: pem(nestedDer(3)) })),
  row('CAP-C03', status.INVALID_ARGUMENT, 'a CSR for a DNS name', () => ({ csr: csrNaming(dnsName('bank.example')) })),
  row('CAP-C04', status.INVALID_ARGUMENT, 'a CSR for a stolen key', () => ({ csr: csrOfStolenKey() })),
  row('CAP-C05', status.INVALID_ARGUMENT, 'a CSR signed with RSASSA-PSS, which is said', () => ({
    csr: readFileSync(path.join(import.meta.dirname, '../../vectors/cases/poor-messages/pss.pem'), 'utf8'),
  })),
  row('CAP-C05', status.INVALID_ARGUMENT, 'a CSR signed with SHA-1', () => ({ csr: csrSignedWith('sha1') })),
  row('CAP-C06', status.PERMISSION_DENIED, "a CSR for another's name", async () => ({
    csr: (await buildCsr({ names: [spiffe(OTHER)] })).pem,
  })),
  row('CAP-K01', status.INVALID_ARGUMENT, 'an Ed25519 key', async () => ({
    csr: (await buildCsr({ keyType: 'ed25519' })).pem,
  })),
  row('CAP-K02', status.INVALID_ARGUMENT, 'a point beside its curve', () => ({ csr: csrOffCurve() })),
  row('CAP-M01', status.INVALID_ARGUMENT, 'metadata of a wrong type', () => ({ metadata: { CertSigner: 7 } })),
  row('CAP-M02', status.INVALID_ARGUMENT, 'a CSR beyond all measure', () => ({ csr: 'x'.repeat(20_000) })),
  row('CAP-P01', status.PERMISSION_DENIED, 'a namespace that policy does not know', async ({ mint }) => ({
    token: await mint.tokenIn('kube-system', 'demo'),
  })),
  row('CAP-P02', status.PERMISSION_DENIED, 'a key type that policy does not allow here', async ({ mint }) => ({
    token: await mint.tokenIn('ec-only', 'demo'),
    csr: (await agentCsr('spiffe://cluster.local/ns/ec-only/sa/demo')).pem,
  })),
  row('CAP-P03', status.PERMISSION_DENIED, 'a trust domain that policy does not allow here', inNamespace('foreign')),
  row('CAP-P04', status.PERMISSION_DENIED, 'whom policy denies', inNamespace('denied')),
  row('CAP-P05', status.PERMISSION_DENIED, 'a lifetime that policy finds too short', async (files) => ({
    ...(await inNamespace('patient')(files)),
    validityDuration: 60n,
  })),
  row('CAP-P07', status.PERMISSION_DENIED, 'a certificate that could be used for nothing', inNamespace('useless')),
  row('CAP-P08', status.PERMISSION_DENIED, 'who must have another issuer', inNamespace('elsewhere')),
  row('CAP-P12', status.PERMISSION_DENIED, 'a condition that is not met', inNamespace('conditional')),
  row('CAP-Q03', status.FAILED_PRECONDITION, 'a namespace beyond its quota', inNamespace('crowded')),
  row('CAP-Q04', status.FAILED_PRECONDITION, 'an identity beyond its quota', inNamespace('eager')),
];

function inNamespace(namespace: string): Row['ask'] {
  return async ({ mint }) => ({ token: await mint.tokenIn(namespace, 'demo') });
}

/** A real one, which is on record from before the server started. */
let recorded: TestLeaf;
function staleLeaf(): Question {
  return { showing: recorded };
}

const CONDITION = {
  id: 'has-ingress',
  exists: { kind: 'Ingress' },
  message: 'Publish an Ingress first',
  waitFor: '0s',
};

/** A namespace for each way in which policy says no. */
const STRICT: readonly TestRule[] = [
  ...POLICY,
  { namespaces: ['foreign'], bounds: { trustDomains: ['corp.example'] } },
  { namespaces: ['denied'], more: { deny: { serviceAccounts: ['demo'] } } },
  { namespaces: ['patient'], bounds: { ttl: { min: '2h', max: '24h' } } },
  { namespaces: ['useless'], bounds: { usages: ['keyEncipherment', 'clientAuth'] } },
  { namespaces: ['elsewhere'], bounds: { issuer: 'prod-high' } },
  { namespaces: ['conditional'], more: { conditions: [CONDITION] } },
  { namespaces: ['crowded', 'eager'] },
];

const localPolicy = (namespace: string, spec: object): string =>
  JSON.stringify({
    apiVersion: 'capstan.dev/v1alpha1',
    kind: 'IssuancePolicy',
    metadata: { name: 'own', namespace },
    spec,
  });

/** Answers that decide nothing, because the server could not; each has a test below. */
const UNDECIDED: readonly Reason[] = [
  'CAP-Q01',
  'CAP-S01',
  'CAP-S04',
  'CAP-S05',
  'CAP-S07',
  'CAP-S10',
  'CAP-S11',
  'CAP-S12',
];

/**
 * Needs a bundle of its own, or a cluster: see impersonation.test.ts of the gRPC edge, and attestation.test.ts and
 * attestation-outage.test.ts of test/peers/kubernetes. Issuers that are withdrawn, or whose token is away: issuer-states.test.ts and
 * the tests of PKCS#11. Who is revoked: bans.test.ts.
 */
const ELSEWHERE: readonly Reason[] = [
  ...(['CAP-P09', 'CAP-P10', 'CAP-Q05'] as const),
  ...(['CAP-A11', 'CAP-A12', 'CAP-A13', 'CAP-A14', 'CAP-S13'] as const),
  ...(['CAP-S14', 'CAP-S15', 'CAP-R01'] as const),
];

/** What no caller of the CSR API can provoke, and why. */
const NEVER_HERE: Readonly<Partial<Record<Reason, string>>> = {
  'CAP-M03': 'SDS alone has discovery requests',
  'CAP-M04': 'SDS alone has secrets with names',
  'CAP-M05': 'signing requests alone have requesters',
  'CAP-M06': 'signing requests alone have usages',
  'CAP-O01': 'operators alone have roles',
  'CAP-O02': 'operators alone ask for operations',
  'CAP-O03': 'operators alone change issuers',
  'CAP-O04': 'operators alone need a second person',
  'CAP-O05': 'operators alone ask for operations',
  'CAP-O06': 'operators alone ask for operations',
  'CAP-P06': 'a CSR with a DNS name is refused before policy is asked',
  'CAP-A15': 'to its caller it is CAP-A07',
  'CAP-A16': 'to its caller it is CAP-A07',
  'CAP-A17': 'to its caller it is CAP-A07',
  'CAP-Q02': 'SDS alone has names to count',
  'CAP-S02': 'a server without a first policy does not start',
  'CAP-S03': 'HTTP/2 turns new calls away before us; SDS streams end with it',
  'CAP-S08': 'SDS alone has acknowledgements',
  'CAP-S09': 'SDS alone has streams of an age',
  'CAP-S16': 'the CA above an issuer is asked for intermediates, never for a leaf',
  'CAP-X01': 'our own certificates would have to be wrong',
  'CAP-X02': 'a caller who left hears nothing',
  'CAP-X03': 'configuration is judged before a listener opens',
};

async function ask(server: RunningServer, { token, showing, ...call }: Question): Promise<Outcome> {
  using client = server.client(showing);
  const headers = { authorization: `Bearer ${token ?? (await server.files.mint.token())}` };
  const anonymous = showing === undefined ? headers : {};
  return await client.call({ csr: (await buildCsr()).pem, headers: anonymous, ...call });
}

/** Leaves for which an issuer of five minutes lives long enough. */
const OF_SHORT_ISSUER = {
  'lifetimes.backdate': '1s',
  'lifetimes.max': '50s',
  'lifetimes.default': '50s',
  'sds.ttl': '50s',
};

describe('Capstan refuses, with a status that tells whether to come again,', () => {
  let files: ServerFiles;
  let server: RunningServer;
  before(async () => {
    files = await ServerFiles.create();
    files.setPolicy(STRICT);
    files.setLocal('crowded.yaml', localPolicy('crowded', { quotas: { perNamespacePerMinute: 1 } }));
    files.setLocal('eager.yaml', localPolicy('eager', { quotas: { perIdentityPerMinute: 1 } }));
    recorded = await leafUnder(files.pki.intermediate, { uris: [DEMO] });
    files.recordIssued({ identity: DEMO, ...recorded, provenAtMs: Date.now() - 31 * 86_400_000 });
    server = await RunningServer.start({ files });
    for (const namespace of ['crowded', 'eager']) await ask(server, await inNamespace(namespace)(files));
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  for (const { reason, to, status: wanted, ask: question } of DECIDED) {
    it(`${to}: ${status[wanted]}, ${reason}`, async () => {
      const { code, details } = await ask(server, await question(server.files));
      assert.equal(status[code], status[wanted], details);
      const [line, decisionId = ''] = details.split(' id=');
      assert.ok(line?.startsWith(`${reason} ${REASONS[reason].text}`), details);
      const [record] = server.files.decisions({ decisionId });
      assert.ok(record?.outcome === 'refused', 'the journal knows the decision by the id that the caller heard');
      assert.equal(record.reason, reason);
      // Of impersonation the caller is told nothing but that it is refused.
      assert.equal(reason === 'CAP-A07' ? record.message.split(': ')[0] : record.message, line);
    });
  }

  it('and knows no other reason that a caller of the CSR API could hear', () => {
    const told = [...DECIDED.map(({ reason }) => reason), ...ELSEWHERE, ...UNDECIDED, ...Object.keys(NEVER_HERE)];
    assert.deepEqual([...new Set(told)].toSorted(), Object.keys(REASONS).toSorted());
  });

  it('and goes on answering who asks rightly', async () => {
    assert.equal((await ask(server, {})).code, status.OK);
  });

  it('and writes down no token, no key and no CSR', async () => assertNothingSpilled(server));
});

describe('Capstan refuses where the bundle leaves it to namespaces to speak,', () => {
  it('a namespace that says nothing: PERMISSION_DENIED, CAP-P10', async () => {
    using files = await ServerFiles.create();
    files.setPolicy(POLICY, { namespaces: { requireLocal: true } });
    await using server = await RunningServer.start({ files });
    assertSays(await ask(server, {}), status.PERMISSION_DENIED, 'CAP-P10');
  });
});

describe('Capstan says UNAVAILABLE or RESOURCE_EXHAUSTED, which its clients try again,', () => {
  it('to one request too many, to one that takes too long, and while token keys are not to be had', async () => {
    await using keys = await KeyServer.start();
    await using server = await RunningServer.start({
      settings: {
        'authentication.tokens.issuers': [{ issuer: TOKEN_ISSUER, keys: { url: keys.url } }],
        'listen.maxRequestsInFlight': 1,
        'listen.requestTimeout': '1s',
      },
    });
    const first = ask(server, {});
    await keys.asked();
    assertSays(await ask(server, {}), status.RESOURCE_EXHAUSTED, 'CAP-Q01');
    assertSays(await first, status.UNAVAILABLE, 'CAP-S07');
    keys.answer(500, 'out of order');
    const third = await eventually('the slot is free', async () => freeOf(await ask(server, {}), 'CAP-Q01'), {
      withinMs: 30_000,
    });
    assertSays(third, status.UNAVAILABLE, 'CAP-S05');
    assert.ok(Number(third.metadata.get('grpc-retry-pushback-ms')[0]) > 0, 'it says when to come again');
  });

  it('while the journal cannot be written; it is not ready then, and issues again as soon as it can', async () => {
    await using server = await RunningServer.start();
    const { files } = server;
    using other = new DatabaseSync(files.path('journal.db'));
    other.exec('BEGIN IMMEDIATE');
    const refused = await ask(server, {});
    assertSays(refused, status.UNAVAILABLE, 'CAP-S04');
    assert.match(refused.details, /: the decision could not be recorded/);
    assert.equal((await server.get('/readyz')).status, 503);
    other.exec('ROLLBACK');
    assert.equal((await ask(server, {})).code, status.OK);
    assert.equal((await server.get('/readyz')).status, 200);
    const [, id] = refused.details.split(' id=');
    assert.deepEqual(files.decisions({ decisionId: id! }), [], 'what could not be recorded was not issued either');
    await eventually('both are told', () => files.logged('journalRecovered').length === 1, { withinMs: 30_000 });
    assert.equal(files.logged('journalFailing').length, 1);
  });

  it('until the journal can be written again, which it finds out by itself', async () => {
    await using server = await RunningServer.start();
    using other = new DatabaseSync(server.files.path('journal.db'));
    other.exec('BEGIN IMMEDIATE');
    assertSays(await ask(server, {}), status.UNAVAILABLE, 'CAP-S04');
    other.exec('ROLLBACK');
    // Nobody asks a server that is not ready, so no request may be needed to make it ready.
    await eventually('ready again', async () => (await server.get('/readyz')).ok, { withinMs: 30_000 });
  });

  it('while it cannot see the cluster that a policy asks for', async () => {
    using files = await ServerFiles.create();
    files.setPolicy([{ more: { conditions: [CONDITION] } }]);
    await using server = await RunningServer.start({ files, settings: { 'cluster.manifests': undefined } });
    assertSays(await ask(server, {}), status.UNAVAILABLE, 'CAP-S10');
  });

  it('once the policy bundle is past its hard expiry', async () => {
    using files = await ServerFiles.create();
    files.setPolicy(POLICY, { validity: { hardExpiry: '2026-01-01T00:00:00Z' } });
    await using server = await RunningServer.start({ files });
    assertSays(await ask(server, {}), status.UNAVAILABLE, 'CAP-S11');
  });

  it('while a policy of the namespace cannot be read and none was ever good', async () => {
    using files = await ServerFiles.create();
    mkdirSync(files.path('policies/default'));
    files.setLocal('default/own.yaml', '{');
    await using server = await RunningServer.start({ files });
    const refused = await ask(server, {});
    assertSays(refused, status.UNAVAILABLE, 'CAP-S12');
    assert.match(refused.details, / default\/own\.yaml:1:\d+ /);
    assert.notEqual((await ask(server, await inNamespace('ec-only')(files))).code, status.UNAVAILABLE);
  });

  it('once its issuer ends too soon for a certificate that is of use, and not with one that is nearly over', async () => {
    using files = await ServerFiles.create(await testAuthority({ intermediateLifetimeMs: 15_000 }));
    const settings = { ...OF_SHORT_ISSUER, 'lifetimes.min': '10s' };
    await using server = await RunningServer.start({ files, settings });
    using client = server.client();
    const request = { csr: (await buildCsr()).pem, headers: { authorization: `Bearer ${await files.mint.token()}` } };
    const refused = await eventually(
      'less than the least is left of the issuer',
      async () => {
        const { code, details, response } = await client.call(request);
        if (response === undefined) return { code, details } as Outcome;
        const { validToDate } = new X509Certificate(response.certChain[0]!);
        assert.ok(validToDate.getTime() - Date.now() > 8_000, 'nobody got one that is nearly over');
        return undefined;
      },
      { withinMs: 30_000, everyMs: 200 },
    );
    assertSays(refused, status.UNAVAILABLE, 'CAP-S01');
    assert.equal((await server.get('/readyz')).status, 503);
  }).timeout(60_000);

  it('when policy allows less than the least lifetime; a wish for less is raised to it', async () => {
    using files = await ServerFiles.create();
    await using server = await RunningServer.start({ files, settings: { 'lifetimes.min': '10s' } });
    using client = server.client();
    const csr = (await buildCsr()).pem;
    const headers = { authorization: `Bearer ${await files.mint.token()}` };
    const { response } = await client.call({ csr, headers, validityDuration: 1n });
    const { validToDate } = new X509Certificate(response?.certChain[0] ?? '');
    assert.ok(validToDate.getTime() - Date.now() > 8_000);
    files.setPolicy([{ namespaces: ['default'], maxTtl: '5s' }]);
    const refused = await eventually(
      'the new policy',
      async () => {
        const outcome = await client.call({ csr, headers });
        return outcome.code === status.OK ? undefined : outcome;
      },
      { withinMs: 30_000 },
    );
    assertSays(refused, status.PERMISSION_DENIED, 'CAP-P05');
    assert.match(refused.details, /policy allows at most 5s, and the least is 10s \(lifetimes\.min\)/);
  });

  it('once its issuer has expired', async () => {
    using files = await ServerFiles.create(await testAuthority({ intermediateLifetimeMs: 10_000 }));
    await using server = await RunningServer.start({ files, settings: OF_SHORT_ISSUER });
    // A connection that stands: a new one would already find our own certificate expired.
    using client = server.client();
    const request = { csr: (await buildCsr()).pem, headers: { authorization: `Bearer ${await files.mint.token()}` } };
    assert.equal((await client.call(request)).code, status.OK);
    const refused = await eventually(
      'the issuer expires',
      async () => {
        const outcome = await client.call(request);
        return outcome.code === status.OK ? undefined : outcome;
      },
      { withinMs: 30_000 },
    );
    assertSays(refused, status.UNAVAILABLE, 'CAP-S01');
    const { ready, unready } = (await (await server.get('/readyz')).json()) as {
      readonly ready: boolean;
      readonly unready: readonly { readonly part: string; readonly why: string }[];
    };
    assert.equal(ready, false);
    const why = unready.find(({ part }) => part === 'issuer')?.why ?? '';
    assert.match(why, /^the issuer certificate (ends at .*, within lifetimes\.min|has expired)$/);
  }).timeout(60_000);
});

function assertSays({ code, details }: Outcome, wanted: status, reason: Reason): void {
  assert.equal(status[code], status[wanted], details);
  assert.ok(details.startsWith(`${reason} ${REASONS[reason].text}`), details);
}

/** @returns the outcome unless it is for this reason. */
function freeOf(outcome: Outcome, reason: Reason): Outcome | undefined {
  return outcome.details.startsWith(reason) ? undefined : outcome;
}
