// What a server knows of who trusts what, by what clients do at its wire; and the outage budget that follows from it.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { SqliteEvidence } from '../../../../src/adapters/storage/sqlite/sqlite-evidence.ts';
import type { WorkloadEvidence } from '../../../../src/domain/trust/rotation/evidence.ts';
import { buildCsr, spiffe } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { RunningServer, type Showing } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const SOON = { withinMs: 60_000 };
const { signal } = new AbortController();

describe('Evidence of a server', function () {
  this.timeout(180_000);
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

  async function workloads(): Promise<readonly WorkloadEvidence[]> {
    await using reader = new SqliteEvidence({ clock: new SystemClock() }, path.join(files.directory, 'journal.db'));
    return await Array.fromAsync(reader.liveWorkloads({ nowMs: Date.now() }, { signal }));
  }

  async function issued(showing: Showing, headers: Record<string, string> = {}): Promise<Showing> {
    using client = server.client(showing);
    const { pem: csr, privateKeyPem } = await buildCsr({ names: [spiffe(DEMO)] });
    const { code, details, response } = await client.call({ csr, headers });
    assert.equal(code, status.OK, details);
    return { chainPem: response?.certChain.slice(0, -1).join('') ?? '', keyPem: privateKeyPem };
  }

  it('has what a workload was sent, acknowledged and presented, also after a restart', async () => {
    const anchor = new X509Certificate(files.pki.root.certificatePem).fingerprint256.replaceAll(':', '').toLowerCase();
    const authorization = `Bearer ${await files.mint.token()}`;
    const first = await issued({}, { authorization });
    await issued(first);
    using proxy = server.sdsClient({ token: await files.mint.token() });
    const stream = proxy.sotw();
    stream.subscribe('ROOTCA');
    await stream.accept();
    const known = await eventually(
      'the proxy is on record',
      async () => (await workloads()).find(({ streams }) => streams.some(({ anchors }) => anchors.length > 0)),
      SOON,
    );
    assert.equal(known.identity, DEMO);
    assert.deepEqual(
      known.received?.map(({ anchors }) => anchors),
      [[anchor]],
    );
    assert.deepEqual(known.presented?.trustAnchor, anchor);
    assert.deepEqual(
      known.streams.map(({ anchors }) => anchors),
      [[anchor]],
    );
    assert.deepEqual(
      known.live.map(({ trustAnchor }) => trustAnchor),
      [anchor],
    );
    await server.stop();
    server = await RunningServer.start({ files });
    const again = (await workloads()).find(({ podUid }) => podUid === known.podUid);
    assert.deepEqual(again?.streams, known.streams);
  });

  it('shows how long until the first workload has no certificate', async () => {
    const authorization = `Bearer ${await files.mint.token()}`;
    await issued({}, { authorization });
    const seconds = await eventually(
      'the outage budget is measured',
      async () => {
        const page = await (await server.get('/metrics')).text();
        return Number(/^capstan_outage_budget_seconds (\S+)$/m.exec(page)?.[1] ?? NaN) || undefined;
      },
      SOON,
    );
    const ends = (await workloads()).map(({ live }) => Math.max(...live.map(({ latestEndMs }) => latestEndMs)));
    const leftMs = Math.min(...ends) - Date.now();
    assert.ok(Math.abs(seconds * 1_000 - leftMs) < 120_000, `${seconds} s, and ${leftMs} ms are left`);
  });
});
