// What several processes of one server have in common, as callers and operators see it: the journal, quotas, the rollback
// state of policy bundles, and what a workload is served over SDS.
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { slotFile } from '../../../src/adapters/storage/slots/journal-slots.ts';
import { StoreReader } from '../../../src/adapters/storage/slots/store-reader.ts';
import { JournalWriter } from '../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import type { IssuedRecord } from '../../../src/ports/storage/issuance-journal.ts';
import { issued } from '../../adapters/storage/sqlite/records.ts';
import type { Outcome } from '../../adapters/grpc/wire.ts';
import { buildCsr, spiffe } from '../../support/certificates.ts';
import { keyOf, pemOf, secretsOf, type SdsClient } from '../../support/clients/sds-client.ts';
import { eventually } from '../../support/eventually.ts';
import { RunningServer, type Showing } from '../support/running-server.ts';
import { POLICY, ServerFiles } from '../support/server-files.ts';
import { recordedSerials, serialsOf, untilServing, workersOf } from '../support/several-processes.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
/** The serial of a certificate of more than a year ago. */
const OLD = '7f00ff';
const WAITING = new AbortController();
const SOON = { withinMs: 60_000 };
/** On connections of their own, so that the kernel spreads them over the processes. */
const MANY = 24;

interface Granted extends Showing {
  readonly serial: string;
}

describe('Processes of one server', function () {
  this.timeout(180_000);
  let files: ServerFiles;
  let server: RunningServer;
  before(async () => {
    files = await ServerFiles.create();
    files.setPolicy([...POLICY, { namespaces: ['crowded'] }]);
    files.setLocal('crowded.yaml', localQuota('crowded', 2));
    server = await start(2);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function start(processes: number): Promise<RunningServer> {
    const started = await RunningServer.start({ files, settings: { processes } });
    if (processes > 1) await untilServing(files, processes);
    return started;
  }

  async function granted(showing: Showing): Promise<Granted> {
    using client = server.client(showing);
    const { pem: csr, privateKeyPem } = await buildCsr({ names: [spiffe(DEMO)] });
    const headers = showing.chainPem === undefined ? { authorization: `Bearer ${await files.mint.token()}` } : {};
    const outcome = await client.call({ csr, headers });
    assert.equal(outcome.code, status.OK, outcome.details);
    const [serial = ''] = serialsOf(outcome);
    return { serial, chainPem: outcome.response?.certChain.slice(0, -1).join('') ?? '', keyPem: privateKeyPem };
  }

  async function recorded(): Promise<ReadonlyMap<string, IssuedRecord>> {
    using reader = await StoreReader.open(files.path('journal.db'), WAITING);
    const all = await Array.fromAsync(reader.scan({ outcome: 'issued' }, WAITING));
    return new Map(all.flatMap((one) => (one.outcome === 'issued' ? [[one.serial, one]] : [])));
  }

  const many = async <T>(ask: () => Promise<T>): Promise<readonly T[]> =>
    Promise.all(Array.from({ length: MANY }, ask));

  const slotsOf = (serials: readonly string[]): readonly number[] =>
    [...recordedSerials(files, 4)].flatMap(([slot, known]) => (serials.some((one) => known.has(one)) ? [slot] : []));

  it('renew what another of them issued, and go back to the same proof', async () => {
    const first = await granted({});
    const renewed = await many(async () => granted(first));
    assert.deepEqual(slotsOf(renewed.map(({ serial }) => serial)), [1, 2], 'both were asked');
    const records = await recorded();
    const proof = records.get(first.serial)?.decisionId;
    assert.ok(proof !== undefined);
    assert.deepEqual(new Set(renewed.map(({ serial }) => records.get(serial)?.proofId)), new Set([proof]));
  });

  it('hold a small quota exactly over all of them', async () => {
    const outcomes: readonly Outcome[] = await many(async () => server.ask('crowded', 'demo'));
    const passed = outcomes.filter(({ code }) => code === status.OK);
    assert.equal(passed.length, 2);
    const refused = outcomes.filter(({ code }) => code !== status.OK);
    assert.ok(refused.every(({ details }) => details.startsWith('CAP-Q03 ')));
  });

  it('take no older policy bundle than one of them has accepted', async () => {
    const texts = ['bundle.yaml', 'bundle.yaml.sig'].map(
      (name) => [name, readFileSync(files.path(name), 'utf8')] as const,
    );
    const stateOf = () =>
      JSON.parse(readFileSync(files.path('bundle-state.json'), 'utf8')) as { readonly sequence: number };
    const { sequence } = stateOf();
    files.setPolicy([...POLICY, { namespaces: ['crowded'] }]);
    await eventually('the newer one is in force', () => stateOf().sequence > sequence, SOON);
    const revisions = async (): Promise<number> => new Set(await many(async () => revisionOf(await granted({})))).size;
    await eventually('in all of them', async () => (await revisions()) === 1, SOON);
    const failures = files.logged('reloadFailed').length;
    for (const [name, text] of texts) files.write(name, text);
    await eventually('both refuse the older one', () => files.logged('reloadFailed').length >= failures + 2, SOON);
    assert.equal(stateOf().sequence, sequence + 1);
    assert.equal(await revisions(), 1);
    // For those that come after.
    files.setPolicy([...POLICY, { namespaces: ['crowded'] }]);
    assert.deepEqual(
      readdirSync(files.directory).filter((name) => name.endsWith('.new')),
      [],
    );
  });

  async function revisionOf({ serial }: Granted): Promise<string | undefined> {
    return (await recorded()).get(serial)?.policyRevision;
  }

  interface Svid {
    readonly serial: string;
    readonly uri: string;
    readonly ownKey: boolean;
  }

  async function svidOver(client: SdsClient): Promise<Svid> {
    using open = client;
    const stream = open.sotw();
    stream.subscribe('default');
    const [secret] = secretsOf(await stream.accept());
    const leaf = new X509Certificate(pemOf(secret ?? assert.fail()));
    stream.cancel();
    return {
      serial: leaf.serialNumber.toLowerCase().replace(/^0+/, ''),
      uri: leaf.subjectAltName ?? '',
      ownKey: leaf.checkPrivateKey(createPrivateKey(keyOf(secret ?? assert.fail()))),
    };
  }

  for (const [listener, connect] of [
    ['the TLS listener', async () => server.sdsClient({ token: await files.mint.token() })],
    ['its Unix socket', async () => server.envoy()],
  ] as const) {
    it(`serve a workload at ${listener} one identity, each with a certificate and a key of its own`, async () => {
      const svids = await many(async () => svidOver(await connect()));
      assert.deepEqual(new Set(svids.map(({ uri }) => uri)), new Set([`URI:${DEMO}`]));
      assert.ok(svids.every(({ ownKey }) => ownKey));
      const serials = [...new Set(svids.map(({ serial }) => serial))];
      assert.deepEqual(slotsOf(serials), [1, 2], 'streams landed on both');
      const records = await recorded();
      assert.ok(serials.every((serial) => records.get(serial)?.identity === DEMO));
    });
  }

  it('lose no record from sight when there are more or fewer of them, or one is killed', async () => {
    const first = await granted({});
    process.kill(workersOf(files)[0]?.pid ?? assert.fail(), 'SIGKILL');
    const before = [...(await recorded()).keys()];
    for (const processes of [1, 3, 2]) {
      await server.stop();
      if (processes === 2) recordOld(3);
      server = await start(processes);
      const delivered = await many(async () => granted(first));
      const records = await recorded();
      for (const serial of [...before, ...delivered.map((one) => one.serial)]) {
        assert.ok(records.has(serial), `${serial} with ${processes} processes`);
      }
      before.push(...delivered.map((one) => one.serial));
      assert.equal((await server.get('/readyz')).status, 200);
    }
    // By the supervisor, for no worker has that slot any more.
    await eventually('what is old leaves the journal of before', async () => !(await recorded()).has(OLD), SOON);
  });

  function recordOld(slot: number): void {
    const writer = new JournalWriter({ file: slotFile(files.path('journal.db'), slot) });
    writer.append([issued('old', { serial: OLD, timeMs: Date.now() - 400 * 86_400_000 })]);
    writer.close();
    // As from before records were linked: one in a chain leaves after those ahead of it.
    using database = new DatabaseSync(slotFile(files.path('journal.db'), slot));
    database
      .prepare('UPDATE decisions SET chain = NULL, chain_sequence = NULL, chain_digest = NULL WHERE serial = ?')
      .run(OLD);
  }
});

function localQuota(namespace: string, perNamespacePerMinute: number): string {
  return JSON.stringify({
    apiVersion: 'capstan.dev/v1alpha1',
    kind: 'IssuancePolicy',
    metadata: { name: 'few', namespace },
    spec: { quotas: { perNamespacePerMinute } },
  });
}
