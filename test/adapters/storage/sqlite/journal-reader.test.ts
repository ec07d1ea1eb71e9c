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
} from '../../../../src/adapters/storage/sqlite/file/journal-schema.ts';
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

  const queries: readonly [string, JournalQuery, string[]][] = [
    ['everything, newest first', { limit: 10 }, ['stranger', 'third', 'second', 'first']],
    ['no more than asked for', { limit: 2 }, ['stranger', 'third']],
    ['one outcome', { outcome: 'refused', limit: 10 }, ['stranger', 'second']],
    ['one decision', { decisionId: 'third', limit: 10 }, ['third']],
    ['what an identity got and what it was refused', { identity: DEMO, limit: 10 }, ['second', 'first']],
    ['what is not older than a moment', { sinceMs: NOON_MS + 2000, limit: 10 }, ['stranger', 'third']],
    ['all conditions together', { identity: DEMO, outcome: 'issued', sinceMs: NOON_MS, limit: 10 }, ['first']],
    ['certificates that are still valid', { validAtMs: NOON_MS + 60_000, limit: 10 }, ['first']],
    ['nothing', { decisionId: "' OR 1=1 --", limit: 10 }, []],
  ];
  for (const [what, query, ids] of queries) {
    it(`finds ${what}`, async () => {
      using reader = await SqliteJournalReader.open(file, WAITING);
      assert.deepEqual(
        (await reader.list(query, WAITING)).map(({ decisionId }) => decisionId),
        ids,
      );
    });
  }

  for (const [what, { limit, ...conditions }, ids] of queries.filter(([, query]) => query.limit === 10)) {
    it(`counts and goes through ${what.replace(', newest first', '')}, oldest first`, async () => {
      using reader = await SqliteJournalReader.open(file, WAITING);
      assert.ok(limit > (await reader.count(conditions, WAITING)));
      assert.equal(await reader.count(conditions, WAITING), ids.length);
      assert.deepEqual(
        (await Array.fromAsync(reader.scan(conditions, WAITING))).map(({ decisionId }) => decisionId),
        ids.toReversed(),
      );
    });
  }

  it('goes through a journal record by record, and can stop anywhere', async () => {
    using reader = await SqliteJournalReader.open(file, WAITING);
    for await (const { decisionId } of reader.scan({}, WAITING)) {
      assert.equal(decisionId, 'first');
      break;
    }
    assert.equal((await Array.fromAsync(reader.scan({}, WAITING))).length, 4);
  });

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

  it('gives back what policy was asked and what it answered, and what a certificate goes back to', async () => {
    const own = path.join(directory, 'traces.sqlite');
    const proof = { proofId: 'first', provenAtMs: NOON_MS - 1 };
    const records = [
      issued('a', { policy: traced(), ...proof }),
      refused('b', { policy: traced({ requestedTtlMs: 1 }) }),
    ];
    const writer = new JournalWriter({ file: own });
    writer.append(records);
    writer.close();
    using reader = await SqliteJournalReader.open(own, WAITING);
    assert.deepEqual(await Array.fromAsync(reader.scan({}, WAITING)), records);
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

  it('goes through many records, each once and in order, and sees none that comes meanwhile', async () => {
    const own = path.join(directory, 'long.sqlite');
    const writer = new JournalWriter({ file: own });
    const count = 1_501;
    writer.append(Array.from({ length: count }, (_, n) => issued(`d${n}`, { timeMs: n })));
    using reader = await SqliteJournalReader.open(own, WAITING);
    let next = 0;
    for await (const { decisionId } of reader.scan({}, WAITING)) {
      assert.equal(decisionId, `d${next}`);
      if (next === 0) writer.append([issued('late', { timeMs: count })]);
      next += 1;
    }
    writer.close();
    assert.equal(next, count);
    assert.equal(await reader.count({}, WAITING), count + 1, 'while other questions see it');
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
    using database = new DatabaseSync(file, { readOnly: true });
    for (const where of ['time_ms >= 0', "decision_id = 'a'", "coalesce(identity, caller) = 'a'"]) {
      const plan = database.prepare(`EXPLAIN QUERY PLAN SELECT * FROM decisions WHERE ${where}`).all();
      assert.match(String(plan[0]?.['detail']), /USING INDEX/, where);
    }
  });

  function bringUpToDate(journal: string): void {
    const writer = new JournalWriter({ file: journal });
    writer.open();
    writer.close();
  }

  it('finds a refusal for another by whom it was for and by who asked, each from an index', async () => {
    const own = path.join(directory, 'relayed.sqlite');
    const writer = new JournalWriter({ file: own });
    writer.append([refused('relayed', { caller: OTHER, identity: DEMO }), refused('own', { caller: OTHER })]);
    writer.close();
    using reader = await SqliteJournalReader.open(own, WAITING);
    const idsOf = async (identity: string): Promise<string[]> =>
      (await reader.list({ identity, limit: 10 }, WAITING)).map(({ decisionId }) => decisionId);
    assert.deepEqual([await idsOf(DEMO), await idsOf(OTHER)], [['relayed'], ['own', 'relayed']]);
    using database = new DatabaseSync(own, { readOnly: true });
    const where = "(coalesce(identity, caller) = 'a' OR (identity <> caller AND caller = 'a'))";
    const plan = database.prepare(`EXPLAIN QUERY PLAN SELECT * FROM decisions WHERE ${where}`).all();
    const text = plan.map(({ detail }) => String(detail)).join();
    assert.match(text, /decisions_by_identity/);
    assert.match(text, /decisions_by_relay/);
  });

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
