import assert from 'node:assert/strict';
import {
  decisionFrom,
  DECISION_COLUMNS,
  DECISION_FIELDS,
  type DecisionValues,
} from '../../../../src/adapters/storage/records.ts';
import type { DecisionRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import { UNCHANGED, type Revision } from '../../../../src/ports/storage/ledgers.ts';
import { issued, NEVER, refused, traced } from '../../../adapters/storage/sqlite/records.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { startJournal } from '../support/journals.ts';

describe('The journal in PostgreSQL', function () {
  this.timeout(120_000);
  let cluster: PostgresCluster;

  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = await PostgresCluster.start();
  });
  after(async () => cluster[Symbol.asyncDispose]());
  afterEach(async () => {
    await cluster.query('TRUNCATE decisions, issuers, operations');
  });

  async function recorded(): Promise<readonly DecisionRecord[]> {
    const columns = DECISION_FIELDS.map((field) => DECISION_COLUMNS[field]).join(', ');
    const rows = await cluster.query(`SELECT json_build_array(${columns}) FROM decisions ORDER BY id`);
    return rows.map(([json]) => decisionFrom(JSON.parse(json ?? '') as DecisionValues));
  }

  it('keeps every field of an issued and of a refused decision', async () => {
    const records = [
      issued('a', { policy: traced(), issuerName: 'prod', trustAnchor: 'ab', proofId: 'z', provenAtMs: 7 }),
      refused('b', { count: 12, identity: 'spiffe://cluster.local/ns/a/sa/b' }),
    ];
    {
      await using started = await startJournal(cluster);
      await Promise.all(records.map(async (record) => started.journal.append(record, { signal: NEVER })));
    }
    assert.deepEqual(await recorded(), records);
  });

  it('takes no certificate that was judged by other bans than it has, and the records beside it', async () => {
    await using started = await startJournal(cluster);
    const { journal, events } = started;
    const append = async (id: string, bans?: Revision): Promise<boolean> =>
      journal.append(issued(id), { signal: NEVER, ...(bans && { bans }) });
    assert.deepEqual(
      await Promise.all([
        append('by none', UNCHANGED),
        append('by others', { number: 1, digest: 'a' }),
        append('its own'),
      ]),
      [true, false, true],
    );
    await cluster.query("INSERT INTO ban_ledgers VALUES ('cluster.local', 1, '{}'), ('other.example', 1, '[]')");
    const [[digest = ''] = []] = await cluster.query("SELECT digest FROM ban_ledgers WHERE trust = 'cluster.local'");
    assert.deepEqual(
      await Promise.all([
        append('before', UNCHANGED),
        append('by these', { number: 1, digest }),
        append('also its own'),
      ]),
      [false, true, true],
    );
    await cluster.query('TRUNCATE ban_ledgers');
    const ids = (await recorded()).map(({ decisionId }) => decisionId);
    assert.deepEqual(ids, ['by none', 'its own', 'by these', 'also its own']);
    assert.deepEqual([journal.problem, events.of('journalFailing')], [undefined, []]);
  });

  it('sends records of one moment in one round trip', async () => {
    await using started = await startJournal(cluster);
    const { journal } = started;
    const one = async (id: number): Promise<unknown> => journal.append(issued(`d-${id}`), { signal: NEVER });
    await one(-1);
    await Promise.all(Array.from({ length: 1_000 }, async (_, id) => one(id)));
    const transactions = await cluster.query('SELECT count(DISTINCT xmin::text) FROM decisions');
    assert.deepEqual(transactions, [['2']]);
    assert.equal((await recorded()).length, 1_001);
  });

  it('records a decision once, however often it is sent', async () => {
    await using started = await startJournal(cluster);
    for (let time = 0; time < 2; time += 1) await started.journal.append(issued('a'), { signal: NEVER });
    assert.deepEqual(await recorded(), [issued('a')]);
  });

  it('stores what a caller wrote that is no text to PostgreSQL, and harms no other record by it', async () => {
    await using started = await startJournal(cluster);
    const odd = [
      'zero \0',
      'half \ud800 pair',
      String.raw`back \u0000 slash \\`,
      'whole \u{1f600}',
      String.raw`\\\u0000`,
    ];
    await Promise.all(
      odd.map(async (credentialId, index) =>
        started.journal.append(issued(`d-${index}`, { credentialId, policy: traced({ actor: credentialId }) }), {
          signal: NEVER,
        }),
      ),
    );
    const expected = ['zero \ufffd', 'half \ufffd pair', ...odd.slice(2)];
    assert.deepEqual(
      (await recorded()).map(({ credentialId }) => credentialId),
      expected,
    );
  });

  it('keeps the issuers in force, and forgets a former one when its last leaf is over', async () => {
    await using started = await startJournal(cluster);
    const { journal } = started;
    const nowMs = Date.now();
    const issuer = (id: string) => ({
      id,
      certificateDer: new Uint8Array([1, 2, 3]),
      notAfterMs: nowMs + 86_400_000,
      longestLeafMs: 3_600_000,
    });
    await journal.keepIssuers([issuer('a'), issuer('b')], { signal: NEVER });
    await journal.keepIssuers([issuer('b')], { signal: NEVER });
    const rows = await cluster.query(
      `SELECT id, encode(certificate, 'hex'), until_ms < ${nowMs + 4_000_000} FROM issuers ORDER BY id`,
    );
    assert.deepEqual(rows, [
      ['a', '010203', 't'],
      ['b', '010203', 'f'],
    ]);
    await cluster.query("UPDATE issuers SET until_ms = 1 WHERE id = 'a'");
    await journal.keepIssuers([issuer('b')], { signal: NEVER });
    assert.deepEqual(await cluster.query('SELECT id FROM issuers'), [['b']]);
  });

  it('records what operators did', async () => {
    await using started = await startJournal(cluster);
    const operation = { timeMs: 5, operation: 'bundle reset-time', was: 'a', is: 'b' };
    await started.journal.recordOperation(operation, { signal: NEVER });
    assert.deepEqual(await cluster.query('SELECT time_ms, operation, was, became FROM operations'), [
      ['5', 'bundle reset-time', 'a', 'b'],
    ]);
  });
});
