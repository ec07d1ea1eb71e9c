import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { IssuedRecord } from '../../src/ports/issuance-journal.ts';
import { leafUnder } from '../adapters/grpc/leaves.ts';
import type { Outcome } from '../adapters/grpc/wire.ts';
import { spiffe, buildCsr } from '../support/certificates.ts';
import { RunningServer, type Showing } from './running-server.ts';
import { ServerFiles } from './server-files.ts';

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
      const { provenBy, ...record } = recordOf(shown);
      assert.equal(provenBy, 'client-certificate');
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

  it('of a certificate served over SDS goes back to the proof of its caller', async () => {
    using envoy = server.envoy();
    assert.equal((await envoy.fetch({ resourceNames: ['default'] })).resources.length, 1);
    const [record] = files.decisions({ outcome: 'issued' }).filter(({ surface }) => surface === 'sds');
    assert.ok(record?.outcome === 'issued');
    assert.deepEqual([record.proofId, record.provenAtMs], [record.decisionId, record.timeMs]);
  });

  it("finds no proof in the server's own certificate", () => {
    const [record] = files.decisions({ outcome: 'issued' }).filter(({ surface }) => surface === 'self');
    assert.ok(record?.outcome === 'issued');
    assert.equal(record.proofId, undefined);
  });

  it('of a leaf of which nothing is on record is refused, unless a token comes with it', async () => {
    const unknown = await leafUnder(files.pki.intermediate, { uris: [DEMO] });
    const [{ code, details }] = await ask(unknown);
    assert.equal(code, status.UNAUTHENTICATED);
    assert.match(details, /^CAP-A10 there is no record here of the client certificate/);
    const record = recordOf(await granted(unknown, await bearing()));
    assert.equal(record.provenBy, 'token');
    assert.equal(record.proofId, record.decisionId);
  });
});
