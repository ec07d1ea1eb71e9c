// Backups cross from one store to the other, which is how a journal moves into PostgreSQL.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { ledgersBeside } from '../../../src/adapters/storage/backup/ledgers-beside.ts';
import { JournalWriter } from '../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { NO_LEDGER } from '../../../src/domain/trust/issuer-ledger.ts';
import { NO_ANCHORS } from '../../../src/domain/trust/rotation/anchor-ledger.ts';
import { closing, issued, refused, traced } from '../../adapters/storage/sqlite/records.ts';
import { PolicyFiles, type Run } from '../../cli/support/policy-files.ts';
import { ledgerAfter } from '../../support/contracts/ledgers.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { findPostgres } from '../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../support/postgres/cluster.ts';
import { peerOrSkip } from '../support/presence.ts';
import { startJournal } from './support/journals.ts';

const RECORDS = [
  issued('a', { policy: traced(), proofId: 'a', provenAtMs: NOON_MS }),
  refused('b', { timeMs: NOON_MS + 1, count: 3 }),
  ...Array.from({ length: 2_500 }, (_, n) => issued(`c${n}`, { timeMs: NOON_MS + 2 + n })),
];
const OPERATION = { timeMs: NOON_MS, operation: 'bundle reset-time', was: 'then', is: 'now' };
const STATE = { name: 'corp', sequence: 7, digest: '7'.repeat(64), latestSeenMs: NOON_MS };
const BY = { timeMs: NOON_MS, actor: 'local', role: 'security', reason: 'a drill of C:\\x41' };
const BAN = {
  id: '1'.repeat(16),
  target: { kind: 'namespace', namespace: 'shop' } as const,
  ...BY,
  leavesUntilMs: NOON_MS + 86_400_000,
};
const OLD_ANCHOR = { sha256: 'c'.repeat(64), subject: 'CN=old', notAfterMs: NOON_MS + 86_400_000 };
const DECIDED = {
  issuers: ledgerAfter(NO_LEDGER, 'taint'),
  anchors: { ...NO_ANCHORS, retired: [{ ...OLD_ANCHOR, ...BY }] },
  bans: { bans: [BAN], pending: [] },
};
const PROXY = { identity: 'spiffe://cluster.local/ns/shop/sa/web', podUid: 'uid-1', proxy: 'web-0', bundle: 'both' };
const LIST = ['journal', 'list', '--limit', '5000', '--output', 'json'];

describe('A backup', function () {
  this.timeout(120_000);
  let cluster: PostgresCluster | undefined;
  let files: PolicyFiles | undefined;

  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = await PostgresCluster.start();
    files = await PolicyFiles.make({}, RECORDS, [
      closing('8a1f', { serviceAccountUid: 'sa-1', lastSeenMs: NOON_MS - 1 }),
    ]);
    const writer = new JournalWriter({ file: files.path('journal.db') });
    writer.recordOperation(OPERATION);
    const bundles = [{ digest: 'both', anchors: ['ab', 'cd'] }];
    writer.recordEvidence({ bundles, proxies: [{ ...PROXY, timeMs: NOON_MS, seenMs: NOON_MS }] });
    const certificateDer = Buffer.from('one');
    writer.keepIssuers([{ id: 'one', certificateDer, notAfterMs: NOON_MS + 1, longestLeafMs: 1 }], NOON_MS);
    writer.keepHeads(['a', 'b', 'c'].map((text) => ({ timeMs: NOON_MS, digest: text.repeat(64), text })));
    writer.close();
    const { apiVersion, kind } = { apiVersion: 'capstan.dev/v1alpha1', kind: 'PolicyBundleState' };
    await files.write('state.json', JSON.stringify({ apiVersion, kind, ...STATE }));
    await ledgersBeside(files.path('journal.db')).replace(DECIDED, { signal: AbortSignal.timeout(30_000) });
    await files.write('file.yaml', configuration(`"${files.path('journal.db')}"`, files.path('state.json')));
    await files.write('shared.yaml', configuration(`"${cluster.url()}"`, files.path('none.json'), cluster));
    await files.write('moved.yaml', configuration(`"${files.path('moved.db')}"`, files.path('moved.json')));
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await files?.[Symbol.asyncDispose]();
  });

  async function run(...words: readonly string[]): Promise<Run> {
    const ran = await files!.run(...words);
    assert.equal(ran.code, 0, ran.error);
    return ran;
  }

  it('of a file is restored into an empty database, and one of that into a new file: nothing is lost or twice', async () => {
    const made = await run('backup', '--to', '@first', '--config', '@file.yaml');
    assert.match(
      made.out,
      /2,502 decisions, 1 closing, 1 operation, 1 issuer, 1 ban; policy bundles before corp@7 stay refused/,
    );
    const all = await run(...LIST, '--config', '@file.yaml');
    const into = await run('restore', '--from', '@first', '--config', '@shared.yaml');
    assert.match(into.out, /^2,502 decisions, 1 closing and 1 operation added; policy bundles from corp@7 on/);
    assert.deepEqual(await run(...LIST, '--config', '@shared.yaml'), all);
    const again = await run('restore', '--from', '@first', '--config', '@shared.yaml');
    assert.match(again.out, /^0 decisions, 0 closings and 0 operations added; policy bundles from corp@7 on/);
    assert.deepEqual(await run(...LIST, '--config', '@shared.yaml'), all);
    assert.deepEqual(await cluster!.query('SELECT id, until_ms FROM issuers'), [['one', String(NOON_MS + 1)]]);
    assert.match(into.out, /; 1 ban more$/m);
    assert.match(again.out, /; 0 bans more$/m);
    for (const [table, expected] of [
      ['issuer_ledgers', DECIDED.issuers],
      ['anchor_ledgers', DECIDED.anchors],
      ['ban_ledgers', DECIDED.bans],
    ] as const) {
      const columns = "trust, revision, digest, encode(convert_to(ledger, 'UTF8'), 'hex')";
      const [[trust, revision, digest, hex = ''] = []] = await cluster!.query(`SELECT ${columns} FROM ${table}`);
      const text = Buffer.from(hex, 'hex');
      assert.deepEqual([trust, JSON.parse(text.toString())], ['cluster.local', expected]);
      // By both servers know whether a restore has changed it: the second one has not.
      assert.deepEqual([revision, digest], ['1', createHash('sha256').update(text).digest('hex')], table);
    }
    const heads = 'SELECT time_ms, digest, head FROM audit_heads ORDER BY number';
    const restoredHeads = await cluster!.query(heads);
    assert.deepEqual(restoredHeads.map(([, , text]) => text).join(''), 'abc');
    const evidence = 'SELECT identity, pod_uid, proxy, bundle, anchors FROM proxies JOIN bundles ON digest = bundle';
    const { identity, podUid, proxy, bundle } = PROXY;
    const acknowledged = await cluster!.query(evidence);
    assert.deepEqual(
      acknowledged.map((row) => row.slice(0, 4)),
      [[identity, podUid, proxy, bundle]],
    );
    await run('backup', '--to', '@second', '--config', '@shared.yaml');
    const back = await run('restore', '--from', '@second', '--config', '@moved.yaml');
    assert.match(
      back.out,
      /^2,502 decisions, 1 closing and 1 operation added; policy bundles from corp@7 on; 1 ban more/,
    );
    const moved = await ledgersBeside(files!.path('moved.db')).read({ signal: AbortSignal.timeout(30_000) });
    assert.deepEqual(moved, DECIDED);
    using database = new DatabaseSync(files!.path('moved.db'), { readOnly: true });
    const kept = database.prepare(evidence).all();
    assert.deepEqual(
      kept.map((row) => Object.values(row).map(String)),
      acknowledged,
    );
    const movedHeads = database.prepare(heads).all();
    assert.deepEqual(
      movedHeads.map((row) => Object.values(row).map(String)),
      restoredHeads,
    );
    assert.deepEqual(await run(...LIST, '--config', '@moved.yaml'), all);
    const operations = ['journal', 'operations', '--output', 'json', '--config'];
    assert.deepEqual(await run(...operations, '@moved.yaml'), await run(...operations, '@file.yaml'));
  });

  it('is not restored into a database that a server uses, and no older bundle comes back by one', async () => {
    await run('backup', '--to', '@third', '--config', '@file.yaml');
    {
      await using server = await startJournal(cluster!);
      assert.equal(server.journal.problem, undefined);
      const refusal = await files!.run('restore', '--from', '@third', '--config', '@shared.yaml');
      assert.equal(refusal.code, 78);
      assert.match(refusal.error, /the database capstan is in use by another Capstan; stop all of its servers/);
    }
    await cluster!.query('UPDATE policy_bundle_states SET sequence = 9, revision = revision + 1');
    const restored = await run('restore', '--from', '@third', '--config', '@shared.yaml');
    assert.match(restored.out, /policy bundles from corp@9 on/);
  });
});

function configuration(store: string, stateFile: string, cluster?: PostgresCluster): string {
  const postgres =
    cluster === undefined ? '' : `\n  postgres: { caFile: ${cluster.caFile}, passwordFile: ${cluster.passwordFile} }`;
  return `issuer: { chainFile: issuer.pem, keyFile: issuer-key.pem }
trustAnchors: { file: root-cert.pem }
listen: { administration: { socket: admin.sock } }
policy: { bundle: { file: bundle.yaml, keys: [security.pem], stateFile: ${stateFile} } }
journal:
  store: ${store}${postgres}
`;
}
