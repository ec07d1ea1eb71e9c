// Backups cross from one store to the other, which is how a journal moves into PostgreSQL.
import assert from 'node:assert/strict';
import { ledgersBeside } from '../../../src/adapters/storage/backup/ledgers-beside.ts';
import { JournalWriter } from '../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { NO_LEDGER } from '../../../src/domain/trust/issuer-ledger.ts';
import { NO_ANCHORS } from '../../../src/domain/trust/rotation/anchor-ledger.ts';
import { closing, issued, refused, traced } from '../../adapters/storage/sqlite/records.ts';
import { PolicyFiles, type Run } from '../../cli/support/policy-files.ts';
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
const BAN = {
  id: '1'.repeat(16),
  target: { kind: 'namespace', namespace: 'shop' } as const,
  timeMs: NOON_MS,
  actor: 'local',
  role: 'security',
  reason: 'a drill',
  leavesUntilMs: NOON_MS + 86_400_000,
};
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
    const certificateDer = Buffer.from('one');
    writer.keepIssuers([{ id: 'one', certificateDer, notAfterMs: NOON_MS + 1, longestLeafMs: 1 }], NOON_MS);
    writer.close();
    const { apiVersion, kind } = { apiVersion: 'capstan.dev/v1alpha1', kind: 'PolicyBundleState' };
    await files.write('state.json', JSON.stringify({ apiVersion, kind, ...STATE }));
    await ledgersBeside(files.path('journal.db')).replace(
      { issuers: NO_LEDGER, anchors: NO_ANCHORS, bans: { bans: [BAN], pending: [] } },
      { signal: AbortSignal.timeout(30_000) },
    );
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
    const [[trust, ledger] = []] = await cluster!.query('SELECT trust, ledger FROM ban_ledgers');
    assert.deepEqual([trust, JSON.parse(String(ledger))], ['cluster.local', { bans: [BAN], pending: [] }]);
    await run('backup', '--to', '@second', '--config', '@shared.yaml');
    const back = await run('restore', '--from', '@second', '--config', '@moved.yaml');
    assert.match(
      back.out,
      /^2,502 decisions, 1 closing and 1 operation added; policy bundles from corp@7 on; 1 ban more/,
    );
    const { bans } = await ledgersBeside(files!.path('moved.db')).read({ signal: AbortSignal.timeout(30_000) });
    assert.deepEqual(bans, { bans: [BAN], pending: [] });
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
