import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { SqliteJournalReader } from '../../../../src/adapters/storage/sqlite/sqlite-journal-reader.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import type { JournalQuery, PolicyTrace } from '../../../../src/ports/storage/issuance-journal.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import {
  APPLICATION_ID,
  MIGRATIONS,
  SCHEMA_VERSION,
  selectFrom,
} from '../../../../src/adapters/storage/sqlite/file/journal-schema.ts';
import {
  amongNewest,
  newestFirst,
  type Question,
} from '../../../../src/adapters/storage/sqlite/reading/decision-questions.ts';
import { issued, NEVER, refused, traced } from './records.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const WAITING = { signal: NEVER };
const OTHER = 'spiffe://cluster.local/ns/default/sa/other';

describe('The journal reader', () => {
  let directory: string;
  let file: string;

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'capstan-journal-'));
    file = path.join(directory, 'journal.sqlite');
    const writer = new JournalWriter({ file });
    writer.append([
      issued('first', { timeMs: NOON_MS }),
      refused('second', { timeMs: NOON_MS + 1000, caller: DEMO }),
      issued('third', { timeMs: NOON_MS + 2000, identity: OTHER, caller: OTHER, notAfterMs: NOON_MS + 60_000 }),
      refused('stranger', { timeMs: NOON_MS + 3000 }),
    ]);
    writer.close();
  });
  after(() => rm(directory, { recursive: true }));

  it('reads a journal of before policy traces, as it is and after a server has brought it up to date', async () => {
    const old = path.join(directory, 'old.sqlite');
    using database = new DatabaseSync(old);
    database.exec(`${MIGRATIONS[0] ?? ''}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1;
      INSERT INTO decisions (decision_id, time_ms, outcome, surface, remote_address, reason, message)
      VALUES ('old', ${NOON_MS}, 'refused', 'csr', '127.0.0.1:40000', 'CAP-P01', 'no')`);
    const version = (): unknown => database.prepare('PRAGMA user_version').get()?.['user_version'];
    for (const expected of [1, SCHEMA_VERSION]) {
      if (expected === SCHEMA_VERSION) bringUpToDate(old);
      using reader = await SqliteJournalReader.open(old, WAITING);
      assert.deepEqual(await reader.list({ limit: 10 }, WAITING), [refused('old', { message: 'no' })]);
      assert.deepEqual(await Array.fromAsync(reader.scan({}, WAITING)), await reader.list({ limit: 10 }, WAITING));
      assert.deepEqual(await reader.operations({ limit: 10 }, WAITING), []);
      assert.deepEqual(await reader.closings({ limit: 10 }, WAITING), []);
      assert.deepEqual(await Array.fromAsync(reader.scanClosings(WAITING)), []);
      assert.equal(version(), expected);
    }
  });

  it('reads how a caller was authenticated in a journal of the former version, as it is and brought up to date', async () => {
    const old = path.join(directory, 'former-words.sqlite');
    const FORMER_VERSION = 6;
    using database = new DatabaseSync(old);
    database.exec(`${MIGRATIONS.slice(0, FORMER_VERSION).join(';')}; PRAGMA application_id = ${APPLICATION_ID};
      PRAGMA user_version = ${FORMER_VERSION};
      INSERT INTO decisions (decision_id, time_ms, outcome, surface, remote_address, caller, proven_by, evidence, reason,
        message, count)
      VALUES ('old', ${NOON_MS}, 'refused', 'sds', '127.0.0.1:40000', '${DEMO}', 'socket', '/run/a', 'CAP-P01', 'no', 3)`);
    const expected = refused('old', {
      api: 'sds',
      caller: DEMO,
      authenticationMethod: 'socket',
      credentialId: '/run/a',
      message: 'no',
      count: 3,
    });
    for (const upToDate of [false, true]) {
      if (upToDate) bringUpToDate(old);
      using reader = await SqliteJournalReader.open(old, WAITING);
      assert.deepEqual(await reader.list({ limit: 10 }, WAITING), [expected]);
    }
  });

  it('reads traces of a journal that still calls what was waived excused', async () => {
    const own = path.join(directory, 'former-traces.sqlite');
    const { waived, ...trace } = traced();
    const writer = new JournalWriter({ file: own });
    writer.append([issued('a', { policy: { ...trace, excused: waived } as PolicyTrace })]);
    writer.close();
    using reader = await SqliteJournalReader.open(own, WAITING);
    assert.deepEqual(await Array.fromAsync(reader.scan({}, WAITING)), [issued('a', { policy: traced() })]);
  });

  it('stops within some hundred records when it is interrupted', async () => {
    const own = path.join(directory, 'interrupted.sqlite');
    const writer = new JournalWriter({ file: own });
    writer.append(Array.from({ length: 1_501 }, (_, n) => issued(`d${n}`)));
    writer.close();
    using reader = await SqliteJournalReader.open(own, WAITING);
    const interruption = new AbortController();
    let read = 0;
    const reading = async (): Promise<void> => {
      for await (const { decisionId } of reader.scan({}, { signal: interruption.signal })) {
        assert.equal(decisionId, `d${read}`);
        read += 1;
        interruption.abort(new Error('interrupted'));
      }
    };
    await assert.rejects(reading, /interrupted/);
    assert.equal(read, 500);
  });

  it('answers every query from an index', () => {
    const plans: readonly [JournalQuery, RegExp][] = [
      [{ limit: 1 }, /^SCAN decisions USING INDEX decisions_by_time$/],
      [{ sinceMs: 1, limit: 1 }, /^SEARCH decisions USING INDEX decisions_by_time \(time_ms>\?\)$/],
      [{ outcome: 'issued', sinceMs: 1, limit: 1 }, /^SEARCH decisions USING INDEX decisions_by_time/],
      [{ outcome: 'refused', limit: 1 }, /^SCAN decisions USING INDEX decisions_by_refusal$/],
      [{ outcome: 'refused', sinceMs: 1, limit: 1 }, /^SEARCH decisions USING INDEX decisions_by_refusal/],
      [{ decisionId: 'a', limit: 1 }, /^SEARCH decisions USING INDEX decisions_by_decision_id/],
      [{ validAtMs: 1, limit: 1 }, /^SCAN decisions USING INDEX decisions_by_time$/],
      [{ identity: 'a', limit: 1 }, /COVERING INDEX decisions_by_identity.*INDEX decisions_by_relay/],
      [
        { identity: 'a', outcome: 'refused', limit: 1 },
        /COVERING INDEX decisions_by_identity \(<expr>=\? AND not_after/,
      ],
    ];
    using database = new DatabaseSync(file, { readOnly: true });
    for (const [query, plan] of plans)
      assert.match(planOf(database, newestFirst(query, 1)), plan, JSON.stringify(query));
    assert.match(
      planOf(database, amongNewest({ identity: 'a' }, 1)),
      /^SEARCH decisions USING INDEX decisions_by_time/,
    );
  });

  function planOf(database: DatabaseSync, { sql, values }: Question): string {
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${selectFrom(SCHEMA_VERSION)} ${sql}`).all(...values);
    return plan.map(({ detail }) => String(detail)).join('; ');
  }

  it('lists refusals also where a large journal of before their index has to do without it', async () => {
    const own = path.join(directory, 'large.sqlite');
    const writer = new JournalWriter({ file: own });
    writer.append([refused('old'), issued('new', { timeMs: NOON_MS + 1 })]);
    writer.close();
    using database = new DatabaseSync(own);
    database.exec("DROP INDEX decisions_by_refusal; UPDATE decisions SET id = 1000001 WHERE decision_id = 'new'");
    const isIndexed = (): boolean =>
      database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'decisions_by_refusal'").get() !== undefined;
    bringUpToDate(own);
    assert.equal(isIndexed(), false, 'a start does not wait for it');
    using reader = await SqliteJournalReader.open(own, WAITING);
    assert.deepEqual(await reader.list({ outcome: 'refused', limit: 10 }, WAITING), [refused('old')]);
    database.exec("UPDATE decisions SET id = 1000000 WHERE decision_id = 'new'");
    bringUpToDate(own);
    assert.equal(isIndexed(), true, 'but a smaller one gets it');
    assert.deepEqual(await reader.list({ outcome: 'refused', limit: 10 }, WAITING), [refused('old')]);
  });

  function bringUpToDate(journal: string): void {
    const writer = new JournalWriter({ file: journal });
    writer.open();
    writer.close();
  }

  it('names a file that is not there', async () => {
    const missing = path.join(directory, 'missing.sqlite');
    await assert.rejects(
      () => SqliteJournalReader.open(missing, WAITING),
      (error: unknown) =>
        error instanceof AuthorityError &&
        error.reason === 'CAP-X03' &&
        error.message.includes(`${missing} does not exist`),
    );
  });
});
