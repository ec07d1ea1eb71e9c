import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  APPLICATION_ID,
  MIGRATIONS,
  SCHEMA_VERSION,
  selectCurrent,
  selectLeaf,
} from '../../../../src/adapters/storage/sqlite/file/journal-schema.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { SqliteIssuanceHistory } from '../../../../src/adapters/storage/sqlite/sqlite-issuance-history.ts';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import type { DecisionRecord, PolicyTrace } from '../../../../src/ports/storage/issuance-journal.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { issued, NEVER, traced } from './records.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const HOUR_MS = 3_600_000;
const WAITING = { signal: NEVER };

describe('The issuance history', () => {
  let directory: string;
  let file: string;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'capstan-history-'));
    file = path.join(directory, 'journal.sqlite');
  });
  afterEach(() => rm(directory, { recursive: true }));

  function record(...records: readonly DecisionRecord[]): void {
    const writer = new JournalWriter({ file });
    writer.append(records);
    writer.close();
  }

  it('reads waived conditions of a journal that still calls them excused', async () => {
    await using history = new SqliteIssuanceHistory({ clock: new SystemClock() }, file);
    const { waived, ...trace } = traced();
    record(issued('a', { policy: { ...trace, excused: waived } as PolicyTrace }));
    assert.deepEqual(Object.keys((await history.currentCertificateOf(DEMO, NOON_MS, WAITING))?.waived ?? {}), [
      'default/demo spec.conditions.has-netpol',
    ]);
  });

  it('does not guess when the journal cannot be read, and tries again at the next question', async () => {
    await using history = new SqliteIssuanceHistory({ clock: new SystemClock() }, file);
    await assert.rejects(
      () => history.currentCertificateOf(DEMO, NOON_MS, WAITING),
      (error: unknown) =>
        error instanceof AuthorityError && /^CAP-S04 the issuance journal cannot be read/.test(error.message),
    );
    record(issued('a'));
    assert.ok(await history.currentCertificateOf(DEMO, NOON_MS, WAITING));
  });

  it('finds the certificate in the index, however many refusals the identity has', () => {
    record(issued('a'));
    using database = new DatabaseSync(file, { readOnly: true });
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${selectCurrent(SCHEMA_VERSION)}`).all(DEMO, NOON_MS);
    const search = plan.map(({ detail }) => String(detail)).find((detail) => detail.includes('decisions_by_identity'));
    assert.match(search ?? '', /USING COVERING INDEX decisions_by_identity \(<expr>=\? AND not_after_ms>\?\)/);
  });

  describe('tells of a leaf', () => {
    const LEAF = { identity: DEMO, serial: '7f00aa', notAfterMs: NOON_MS + HOUR_MS };
    const proof = { proofId: 'first', provenAtMs: NOON_MS - HOUR_MS };

    it('that was recorded before proofs were, as if it had been its own proof', async () => {
      using old = new DatabaseSync(file);
      old.exec(
        `${MIGRATIONS.slice(0, 2).join(';')}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 2`,
      );
      const { identity, serial, notAfterMs } = LEAF;
      for (const [id, authenticationMethod, of] of [
        ['by token', 'token', serial],
        ['by certificate', 'client-certificate', '7f00ab'],
      ] as const) {
        const insert = `INSERT INTO decisions (decision_id, time_ms, outcome, surface, remote_address, proven_by, identity,
          serial, issuer, not_before_ms, not_after_ms, key_type)
          VALUES (?, ?, 'issued', 'csr', '127.0.0.1:40000', ?, ?, ?, 'fedcba9876543210', 0, ?, 'ec-p256')`;
        old.prepare(insert).run(id, NOON_MS - 1000, authenticationMethod, identity, of, notAfterMs);
      }
      record(issued('newer', { serial: '7f00ac', ...proof }));
      await using history = new SqliteIssuanceHistory({ clock: new SystemClock() }, file);
      assert.deepEqual((await history.recordOf(LEAF, WAITING))?.lineage, {
        id: 'by token',
        provenAtMs: NOON_MS - 1000,
      });
      const renewed = await history.recordOf({ ...LEAF, serial: '7f00ab' }, WAITING);
      assert.deepEqual(renewed?.lineage, { id: 'by certificate', provenAtMs: NOON_MS - 1000 });
    });

    it('from the index, however much its identity was issued', () => {
      record(issued('a', proof));
      using database = new DatabaseSync(file, { readOnly: true });
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${selectLeaf(SCHEMA_VERSION)}`).all(DEMO, NOON_MS, '7f00aa');
      assert.match(String(plan[0]?.['detail']), /USING INDEX decisions_by_identity \(<expr>=\? AND not_after_ms=\?\)/);
    });
  });

  it('costs no more for an identity with many live certificates', async () => {
    const rows = 50_000;
    record(...Array.from({ length: rows }, (_, n) => issued(`d${n}`, { notAfterMs: NOON_MS + HOUR_MS + n })));
    record(issued('newest', { timeMs: NOON_MS + 1, notAfterMs: NOON_MS + HOUR_MS + rows - 500 }));
    await using history = new SqliteIssuanceHistory({ clock: new SystemClock() }, file);
    assert.equal((await history.currentCertificateOf(DEMO, NOON_MS, WAITING))?.issuedMs, NOON_MS + 1);
    using database = new DatabaseSync(file, { readOnly: true });
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${selectCurrent(SCHEMA_VERSION)}`).all(DEMO, NOON_MS);
    const text = plan.map(({ detail }) => String(detail)).join('\n');
    assert.equal(text.match(/USE TEMP B-TREE FOR ORDER BY/g)?.length, 1, 'only the thousand at the end are sorted');
    const startedMs = performance.now();
    for (let n = 0; n < 20; n += 1) await history.currentCertificateOf(DEMO, NOON_MS, WAITING);
    assert.ok((performance.now() - startedMs) / 20 < 10, 'all 50,000 would take longer');
  });

  it('is given up in time when it is closed while its file does not answer', async () => {
    // Opening it waits until somebody writes, as on a disk that hangs.
    execFileSync('mkfifo', [file]);
    const clock = new FakeClock();
    const history = new SqliteIssuanceHistory({ clock }, file);
    const asked = assert.rejects(history.currentCertificateOf(DEMO, NOON_MS, WAITING), { reason: 'CAP-S04' });
    const closed = history[Symbol.asyncDispose]();
    await clock.advance(5_000);
    try {
      await Promise.all([asked, closed]);
    } finally {
      closeSync(openSync(file, constants.O_RDWR | constants.O_NONBLOCK));
    }
  });
});
