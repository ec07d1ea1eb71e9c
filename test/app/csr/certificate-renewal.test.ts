import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { IssuedRecord } from '../../../src/ports/storage/issuance-journal.ts';
import { leafUnder, type TestLeaf } from '../../adapters/grpc/leaves.ts';
import type { Outcome } from '../../adapters/grpc/wire.ts';
import { eventually } from '../../support/eventually.ts';
import { buildCsr, spiffe, testAuthority } from '../../support/certificates.ts';
import { RunningServer, type Showing } from '../support/running-server.ts';
import { POLICY, ServerFiles } from '../support/server-files.ts';

const DAY_MS = 86_400_000;
const SOON = { withinMs: 30_000 };
const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';

describe('A renewal by certificate', () => {
  let files: ServerFiles;
  let server: RunningServer;
  before(async () => {
    files = await ServerFiles.create();
    server = await RunningServer.start({ files });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  /** The journal is one server's at a time, so the record is written while none runs. */
  async function recorded(leaf: TestLeaf, provenAtMs: () => number): Promise<void> {
    await server.stop();
    files.recordIssued({ identity: DEMO, ...leaf, provenAtMs: provenAtMs() });
    server = await RunningServer.start({ files });
  }

  const bearing = async (): Promise<Record<string, string>> => ({
    authorization: `Bearer ${await files.mint.token()}`,
  });

  async function ask(showing: Showing, headers: Record<string, string> = {}): Promise<[Outcome, Showing]> {
    using client = server.client(showing);
    const { pem: csr, privateKeyPem } = await buildCsr({ names: [spiffe(DEMO)] });
    const outcome = await client.call({ csr, headers });
    return [outcome, { chainPem: outcome.response?.certChain.slice(0, -1).join('') ?? '', keyPem: privateKeyPem }];
  }

  async function granted(showing: Showing, headers: Record<string, string> = {}): Promise<Showing> {
    const [{ code, details }, next] = await ask(showing, headers);
    assert.equal(code, status.OK, details);
    return next;
  }

  const recordOf = ({ chainPem = '' }: Showing): IssuedRecord => {
    const serial = new X509Certificate(chainPem).serialNumber.toLowerCase();
    const record = files.decisions({ outcome: 'issued' }).find((one) => 'serial' in one && one.serial === serial);
    assert.ok(record?.outcome === 'issued');
    return record;
  };

  it('goes back, however often it is repeated, to the last proof by a token', async () => {
    const first = await granted({}, await bearing());
    const { decisionId: id, timeMs, proofId, provenAtMs } = recordOf(first);
    assert.deepEqual([proofId, provenAtMs], [id, timeMs]);
    let shown = first;
    for (let renewal = 0; renewal < 3; renewal += 1) {
      shown = await granted(shown);
      const { authenticationMethod, ...record } = recordOf(shown);
      assert.equal(authenticationMethod, 'client-certificate');
      assert.deepEqual([record.proofId, record.provenAtMs], [id, timeMs]);
    }
    const again = recordOf(await granted({}, await bearing()));
    assert.deepEqual([again.proofId, again.provenAtMs], [again.decisionId, again.timeMs]);
  });

  it('differs in its lineage between two machines of one service account', async () => {
    const [one, other] = [await granted({}, await bearing()), await granted({}, await bearing())];
    const renewed = [recordOf(await granted(one)), recordOf(await granted(other))];
    assert.notEqual(renewed[0]?.proofId, renewed[1]?.proofId);
  });

  it('of a certificate served over SDS goes back to the proof that its caller gave when the stream opened', async () => {
    using envoy = server.envoy();
    const openedMs = Date.now();
    assert.equal((await envoy.fetch({ resourceNames: ['default'] })).resources.length, 1);
    const [record] = files.decisions({ outcome: 'issued' }).filter(({ api }) => api === 'sds');
    assert.ok(record?.outcome === 'issued' && record.provenAtMs !== undefined);
    assert.equal(record.proofId, record.decisionId);
    assert.ok(openedMs <= record.provenAtMs && record.provenAtMs <= record.timeMs);
  });

  it('over SDS goes back, as over the CSR API, to the last proof by a token', async () => {
    const first = await granted({}, await bearing());
    using proxy = server.sdsClient(first);
    assert.equal((await proxy.fetch({ resourceNames: ['default'] })).resources.length, 1);
    const [served] = files.decisions({ outcome: 'issued' }).filter(({ api }) => api === 'sds');
    assert.ok(served?.outcome === 'issued');
    assert.equal(served.authenticationMethod, 'client-certificate');
    assert.equal(served.proofId, recordOf(first).decisionId);
    assert.equal(served.provenAtMs, recordOf(first).timeMs);
  });

  it("finds no proof in the server's own certificate", () => {
    const [record] = files.decisions({ outcome: 'issued' }).filter(({ api }) => api === 'self');
    assert.ok(record?.outcome === 'issued');
    assert.equal(record.proofId, undefined);
  });

  it('of a leaf of which nothing is on record is refused, unless a token comes with it', async () => {
    const unknown = await leafUnder(files.pki.intermediate, { uris: [DEMO] });
    const [{ code, details }] = await ask(unknown);
    assert.equal(code, status.UNAUTHENTICATED);
    assert.match(details, /^CAP-A10 there is no record here of the client certificate/);
    const record = recordOf(await granted(unknown, await bearing()));
    assert.equal(record.authenticationMethod, 'token');
    assert.equal(record.proofId, record.decisionId);
  });

  it('goes on until the proof is too old, whatever came between, and then needs a token', async () => {
    const nearly = await leafUnder(files.pki.intermediate, { uris: [DEMO] });
    await recorded(nearly, () => Date.now() - 30 * DAY_MS + 5_000);
    const renewed = await granted(nearly);
    assert.equal(recordOf(renewed).proofId, `proof of ${nearly.serial}`);
    await eventually('the limit', async () => (await ask(renewed))[0].code === status.UNAUTHENTICATED, SOON);
    const [{ details }] = await ask(renewed);
    assert.match(details, /^CAP-A08 .* is too old: it is of \d{4}-\d\d-\d\dT/);
    assert.equal(recordOf(await granted(renewed, await bearing())).authenticationMethod, 'token');
  });

  it('goes by the limit of its class, which the bundle tells', async () => {
    files.setPolicy(POLICY, {
      classes: [{ class: 'waypoint', namespaces: ['default'], serviceAccounts: ['demo'] }],
    });
    const leaf = await leafUnder(files.pki.intermediate, { uris: [DEMO] });
    await recorded(leaf, () => Date.now() - 8 * DAY_MS);
    await eventually('the class', async () => (await ask(leaf))[0].details.startsWith('CAP-A08 '), SOON);
    files.setPolicy(POLICY);
    await eventually('the class again', async () => (await ask(leaf))[0].code === status.OK, SOON);
  });
});

describe('A leaf of another authority under the corporate root', () => {
  /** Two clusters that share root and trust domain, each with an issuer of its own. */
  let one: ServerFiles;
  let other: ServerFiles;
  beforeEach(async () => {
    one = await ServerFiles.create();
    other = await ServerFiles.create(await testAuthority({ root: one.pki.root }));
  });
  afterEach(() => {
    one[Symbol.dispose]();
    other[Symbol.dispose]();
  });

  it('crosses over to no other cluster, although both are called cluster.local', async () => {
    await using here = await RunningServer.start({ files: one });
    await using there = await RunningServer.start({ files: other });
    const headers = { authorization: `Bearer ${await one.mint.token()}` };
    const { code, showing } = await enrol(here, {}, headers);
    assert.equal(code, status.OK);
    const home = await enrol(here, showing);
    assert.equal(home.code, status.OK, home.details);
    const away = await enrol(there, showing);
    assert.equal(away.code, status.UNAUTHENTICATED);
    assert.match(away.details, /^CAP-A09 the client certificate is not of one of our issuers/);
    const both = await enrol(there, showing, { authorization: `Bearer ${await other.mint.token()}` });
    assert.equal(both.code, status.OK, both.details);
    assert.equal(other.decisions({ outcome: 'issued', identity: DEMO })[0]?.authenticationMethod, 'token');
  });

  it('counts when its issuer is listed and the age of proofs is not limited; the list is followed', async () => {
    one.write('further.pem', one.pki.intermediate.certificatePem);
    const settings = {
      'authentication.furtherIssuersFile': one.path('further.pem'),
      'authentication.maxProofAge.workload': 'unlimited',
    };
    await using here = await RunningServer.start({ files: one, settings });
    await using there = await RunningServer.start({ files: other });
    const { showing } = await enrol(there, {}, { authorization: `Bearer ${await other.mint.token()}` });
    assert.match((await enrol(here, showing)).details, /^CAP-A09 /);
    one.write('further.pem', other.pki.intermediate.certificatePem);
    await eventually('the list', async () => (await enrol(here, showing)).code === status.OK, SOON);
    const [record] = one.decisions({ outcome: 'issued', identity: DEMO });
    const serial = new X509Certificate(showing.chainPem ?? '').serialNumber.toLowerCase();
    assert.ok(record?.outcome === 'issued');
    assert.equal(record.proofId, `${other.pki.issuer.id}:${serial}`);
    one.write('further.pem', one.pki.root.certificatePem);
    await eventually('the complaint', () => complained(one), SOON);
    assert.equal((await enrol(here, showing)).code, status.OK, 'the last good list stays');
  });

  it('of its next issuer counts once that is listed too, best before it signs; those of the former one go on', async () => {
    const next = await testAuthority({ root: one.pki.root });
    one.write('further.pem', other.pki.intermediate.certificatePem);
    const settings = {
      'authentication.furtherIssuersFile': one.path('further.pem'),
      'authentication.maxProofAge.workload': 'unlimited',
    };
    await using here = await RunningServer.start({ files: one, settings });
    await using there = await RunningServer.start({ files: other });
    const headers = { authorization: `Bearer ${await other.mint.token()}` };
    const former = await enrol(there, {}, headers);
    other.useIssuer(next);
    await eventually('the next issuer', () => other.logged('issuerInForce').length === 2, SOON);
    const newest = (await enrol(there, {}, headers)).showing;
    assert.match((await enrol(here, newest)).details, /^CAP-A09 /);
    assert.equal((await enrol(here, former.showing)).code, status.OK);
    one.write('further.pem', other.pki.intermediate.certificatePem + next.intermediate.certificatePem);
    await eventually('the list', async () => (await enrol(here, newest)).code === status.OK, SOON);
    assert.equal((await enrol(here, former.showing)).code, status.OK);
  });

  it('counts as no fresh proof once the age of proofs is limited again, however it was renewed meanwhile', async () => {
    one.write('further.pem', other.pki.intermediate.certificatePem);
    const listed = { 'authentication.furtherIssuersFile': one.path('further.pem') };
    const unlimited = { ...listed, 'authentication.maxProofAge.workload': 'unlimited' };
    await using there = await RunningServer.start({ files: other });
    let { showing } = await enrol(there, {}, { authorization: `Bearer ${await other.mint.token()}` });
    {
      await using here = await RunningServer.start({ files: one, settings: unlimited });
      for (let renewal = 0; renewal < 2; renewal += 1) ({ showing } = await enrol(here, showing));
    }
    await using here = await RunningServer.start({ files: one });
    const { code, details } = await enrol(here, showing);
    assert.equal(code, status.UNAUTHENTICATED);
    assert.match(details, /^CAP-A08 .* is too old: its time is not known here/);
  });

  it('straight from the root, or without clientAuth, proves nobody', async () => {
    using files = await ServerFiles.create();
    const { root, intermediate } = files.pki;
    const leaf = await leafUnder(intermediate, { uris: [DEMO], extendedUsages: [] });
    files.recordIssued({ identity: DEMO, ...leaf, provenAtMs: Date.now() });
    await using server = await RunningServer.start({ files });
    const straight = await enrol(server, await leafUnder(root, { uris: [DEMO] }));
    assert.match(straight.details, /^CAP-A09 /);
    const { code, details } = await enrol(server, leaf);
    assert.equal(code, status.UNAUTHENTICATED);
    assert.match(details, /^CAP-A02 .*it is not for client authentication/);
  });
});

describe('A leaf of a former issuer', () => {
  it('renews after the issuer was replaced, also over a restart, and is not known to a new journal', async () => {
    using files = await ServerFiles.create();
    const { showing } = await (async () => {
      await using server = await RunningServer.start({ files });
      return await enrol(server, {}, { authorization: `Bearer ${await files.mint.token()}` });
    })();
    files.useIssuer(await testAuthority({ root: files.pki.root }));
    {
      await using server = await RunningServer.start({ files });
      const renewed = await enrol(server, showing);
      assert.equal(renewed.code, status.OK, renewed.details);
      files.useIssuer(await testAuthority({ root: files.pki.root }));
      await eventually('the new issuer', () => files.logged('issuerInForce').length === 3, SOON);
      assert.equal((await enrol(server, showing)).code, status.OK);
      assert.equal((await enrol(server, renewed.showing)).code, status.OK);
    }
    await using server = await RunningServer.start({ files });
    assert.equal((await enrol(server, showing)).code, status.OK);
    const settings = { 'journal.store': files.path('new.db'), 'sds.sockets': [] };
    await using fresh = await RunningServer.start({ files, settings });
    assert.match((await enrol(fresh, showing)).details, /^CAP-A09 /);
  });
});

const complained = (files: ServerFiles): boolean =>
  files.logged('reloadFailed').some(({ source }) => source === 'further-issuers');

/** Asks for a certificate of `default/demo`. @returns the status, and what to show the next time. */
async function enrol(server: RunningServer, shown: Showing, headers: Record<string, string> = {}) {
  using client = server.client(shown);
  const { pem: csr, privateKeyPem } = await buildCsr({ names: [spiffe(DEMO)] });
  const { code, details, response } = await client.call({ csr, headers });
  const showing: Showing = { chainPem: response?.certChain.slice(0, -1).join('') ?? '', keyPem: privateKeyPem };
  return { code, details, showing };
}
