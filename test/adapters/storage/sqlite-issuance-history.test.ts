import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SELECT_HELD } from '../../../src/adapters/storage/journal-schema.ts';
import { JournalWriter } from '../../../src/adapters/storage/journal-writer.ts';
import { SqliteIssuanceHistory } from '../../../src/adapters/storage/sqlite-issuance-history.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { DecisionRecord } from '../../../src/ports/issuance-journal.ts';
import { NOON_MS } from '../../support/fake-clock.ts';
import { issued, refused, traced } from './records.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const HOUR_MS = 3_600_000;

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

  it('knows after a restart what an identity was given last, refusals and other identities aside', () => {
    using history = new SqliteIssuanceHistory(file);
    record(
      issued('older', { timeMs: NOON_MS - 2000, notAfterMs: NOON_MS + 9 * HOUR_MS }),
      issued('newest', { timeMs: NOON_MS - 1000, notAfterMs: NOON_MS + HOUR_MS }),
      refused('no', { caller: DEMO }),
      issued('of another', { identity: 'spiffe://cluster.local/ns/default/sa/other' }),
    );
    assert.deepEqual(history.heldBy(DEMO, NOON_MS), {
      issuedMs: NOON_MS - 1000,
      notAfterMs: NOON_MS + HOUR_MS,
      excused: {},
    });
  });

  it('tells since when a condition has been passed over, so that a restart gives no new grace', () => {
    using history = new SqliteIssuanceHistory(file);
    record(issued('a', { policy: traced() }));
    assert.deepEqual(history.heldBy(DEMO, NOON_MS)?.excused, {
      'default/demo spec.conditions.has-netpol': NOON_MS - 2 * HOUR_MS,
    });
  });

  it('counts a certificate only until it ends', () => {
    using history = new SqliteIssuanceHistory(file);
    record(issued('a', { notAfterMs: NOON_MS + HOUR_MS }));
    assert.ok(history.heldBy(DEMO, NOON_MS + HOUR_MS - 1));
    assert.equal(history.heldBy(DEMO, NOON_MS + HOUR_MS), undefined);
    assert.equal(history.heldBy('spiffe://cluster.local/ns/default/sa/unknown', NOON_MS), undefined);
  });

  it('sees what the journal records after it was opened', () => {
    using history = new SqliteIssuanceHistory(file);
    record(refused('no', { caller: DEMO }));
    assert.equal(history.heldBy(DEMO, NOON_MS), undefined);
    record(issued('a'));
    assert.ok(history.heldBy(DEMO, NOON_MS));
  });

  it('does not guess when the journal cannot be read, and tries again at the next question', () => {
    using history = new SqliteIssuanceHistory(file);
    assert.throws(
      () => history.heldBy(DEMO, NOON_MS),
      (error: unknown) => error instanceof AuthorityError && error.reason === 'CAP-S04',
    );
    record(issued('a'));
    assert.ok(history.heldBy(DEMO, NOON_MS));
  });

  it('finds the certificate in the index, however many refusals the identity has', () => {
    record(issued('a'));
    using database = new DatabaseSync(file, { readOnly: true });
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${SELECT_HELD}`).all(DEMO, NOON_MS);
    const search = plan.map(({ detail }) => String(detail)).find((detail) => detail.includes('decisions_by_identity'));
    assert.match(search ?? '', /USING COVERING INDEX decisions_by_identity \(<expr>=\? AND not_after_ms>\?\)/);
  });
});
