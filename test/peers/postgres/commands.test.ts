// The commands that read a journal say the same of the same records, whichever store they are in.
import assert from 'node:assert/strict';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { JournalWriter } from '../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { issued, refused, traced } from '../../adapters/storage/sqlite/records.ts';
import { PolicyFiles, type Run } from '../../cli/support/policy-files.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { BUNDLE, issuancePolicy } from '../../support/policy/policy-texts.ts';
import { HOUR_MS, issuedTo, refusedTo } from '../../support/policy/recorded-decisions.ts';
import { findPostgres } from '../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../support/postgres/cluster.ts';
import { peerOrSkip } from '../support/presence.ts';
import { startJournal } from './support/journals.ts';

const LIVE = { notAfterMs: NOON_MS + HOUR_MS };
const RECORDS = [
  issuedTo({}, { notAfterMs: NOON_MS, decisionId: 'ended' }),
  issuedTo({}, { ...LIVE, serial: 'beef', decisionId: 'live' }),
  issuedTo({ who: 'team-a/api' }, { ...LIVE, decisionId: 'other' }),
  refusedTo({}, { decisionId: 'refused' }),
  issued('traced', { policy: traced(), ...LIVE }),
  refused('flood', { remoteAddress: '192.0.2.7', count: 1_200 }),
];
const OPERATION = { timeMs: NOON_MS, operation: 'bundle reset-time', was: 'then', is: 'now' };
const RSA_ONLY = issuancePolicy('{ narrow: { keys: ["rsa>=3072"] } }');

/** What is asked of both, and how it ends. */
const COMMANDS: readonly (readonly [code: number, ...words: readonly string[]])[] = [
  [0, 'journal', 'list'],
  [0, 'journal', 'list', '--refused', '--output', 'json'],
  [0, 'journal', 'list', '--audited', '--since', '2h'],
  [0, 'journal', 'list', '--identity', 'spiffe://cluster.local/ns/shop/sa/web', '--limit', '1'],
  [0, 'journal', 'operations'],
  [0, 'policy', 'explain', 'refused'],
  [0, 'policy', 'suggest', '--namespace', 'shop'],
  [1, 'policy', 'replay', '--bundle', '@bundle.yaml', '--with', '@policies'],
  [1, 'drift', '--bundle', '@bundle.yaml', '--policies', '@policies', '--output', 'json'],
];

describe('Commands on a journal in PostgreSQL', function () {
  this.timeout(120_000);
  let cluster: PostgresCluster | undefined;
  let files: PolicyFiles;

  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = await PostgresCluster.start({ requireTls: true });
    await using started = await startJournal(cluster);
    for (const record of RECORDS) await started.journal.append(record, { signal: new AbortController().signal });
    await started.journal.recordOperation(OPERATION, { signal: new AbortController().signal });
    const texts = { 'bundle.yaml': BUNDLE, 'policies/local.yaml': RSA_ONLY };
    files = await PolicyFiles.make({ ...texts, 'capstan.yaml': configuration(cluster) }, RECORDS);
    const writer = new JournalWriter({ file: files.path('journal.db') });
    writer.recordOperation(OPERATION);
    writer.close();
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await (files as PolicyFiles | undefined)?.[Symbol.asyncDispose]();
  });

  for (const [code, ...words] of COMMANDS) {
    it(`answers ${words.join(' ')} as on an SQLite file`, async () => {
      const shared = await files.run(...words, '--config', '@capstan.yaml');
      assert.deepEqual(shared, await files.run(...words, '--journal', '@journal.db'));
      assert.deepEqual([shared.code, shared.error], [code, ''], shared.error);
      assert.ok(shared.out.length > 0);
    });
  }

  it('says in one line what is wrong with the database, and never a password', async () => {
    const of = async (...words: readonly string[]): Promise<Run> => files.run('journal', 'list', ...words);
    const here = `postgres://capstan@127.0.0.1:${cluster!.port}`;
    const remote = await of('--journal', 'postgres://capstan@db.example/capstan');
    assert.match(remote.error, /a database on another machine is read over TLS/);
    const unauthenticated = await of('--journal', `${here}/capstan`);
    assert.match(unauthenticated.error, /does not let this user in/);
    const withPassword = await of('--journal', `postgres://capstan:${cluster!.password}@127.0.0.1/capstan`);
    assert.match(withPassword.error, /must not carry a password/);
    const check = await files.run(
      'policy',
      'explain',
      'x',
      '--journal',
      `postgres://u:${cluster!.password}@127.0.0.1/d`,
    );
    assert.deepEqual([check.code, withPassword.code], [2, 64]);
    await files.write('elsewhere.yaml', configuration(cluster!).replace('/capstan"', '/postgres"'));
    const elsewhere = await of('--config', '@elsewhere.yaml');
    assert.match(elsewhere.error, /the database postgres has no journal of Capstan/);
    for (const { code, out, error } of [remote, unauthenticated, withPassword, check, elsewhere]) {
      assert.notEqual(code, 0);
      assert.equal(out, '');
      assert.equal(error.trimEnd().split('\n').length, 1, error);
      assert.doesNotMatch(error, new RegExp(cluster!.password));
    }
  });

  it('says that a record is damaged, and is no bug', async () => {
    const damage = async (policy: string) =>
      cluster!.query(`UPDATE decisions SET policy = ${policy} WHERE policy IS NOT NULL`);
    await cluster!.query('CREATE TABLE kept AS SELECT id, policy FROM decisions');
    for (const policy of [`'{"rules":"'`, `'null'`, `'{"waived":1}'`]) {
      await damage(policy);
      const { code, error } = await files.run('journal', 'list', '--config', '@capstan.yaml');
      assert.match(error, /CAP-S04 .*the policy trace of a record in the journal is damaged/);
      assert.equal(code, 69);
    }
    await cluster!.query('UPDATE decisions SET policy = kept.policy FROM kept WHERE kept.id = decisions.id');
  });

  it('is ended by Ctrl-C while the database does not answer', async () => {
    const { PostgresJournalReader } = await import('../../../src/adapters/storage/postgres/postgres-journal-reader.ts');
    const { settingsOf } = await import('./support/journals.ts');
    const interruption = new AbortController();
    const options = { signal: interruption.signal };
    await using reader = await PostgresJournalReader.open({ clock: new SystemClock() }, settingsOf(cluster!), options);
    cluster!.freeze();
    try {
      const counting = reader.count({}, options);
      interruption.abort(new Error('interrupted'));
      await assert.rejects(counting, /interrupted/);
    } finally {
      cluster!.thaw();
    }
  });
});

function configuration(cluster: PostgresCluster): string {
  return `issuer: { chainFile: issuer.pem, keyFile: issuer-key.pem }
trustAnchors: { file: root-cert.pem }
listen: { administration: { socket: admin.sock } }
policy: { bundle: { file: bundle.yaml, keys: [security.pem], stateFile: state.json } }
journal:
  postgres: { caFile: ${cluster.caFile}, passwordFile: ${cluster.passwordFile} }
  store: "${cluster.url()}"
`;
}
