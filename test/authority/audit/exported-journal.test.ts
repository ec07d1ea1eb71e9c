import assert from 'node:assert/strict';
import { endLine, ExportWriter } from '../../../src/domain/audit/export-writer.ts';
import { nextHead, type HeadStatement } from '../../../src/domain/audit/head.ts';
import { statementDigest } from '../../../src/domain/audit/statement.ts';
import { ExportVerifier } from '../../../src/domain/audit/verifier.ts';
import type { Verdict } from '../../../src/domain/audit/verdict.ts';
import { writeLine } from '../../../src/domain/audit/export-line.ts';
import { exportedLines, exportedRanges, type ExportedTimes } from '../../../src/authority/audit/exported-journal.ts';
import { headKey, RECORDS } from '../../domain/audit/support/sample-export.ts';
import { FakeAuditStore } from './support/audit-store.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';

describe('An export of the journal', () => {
  const key = headKey();
  const [signal, HOUR_MS] = [new AbortController().signal, 3_600_000];
  let store: FakeAuditStore;

  /** Six decisions, one each hour, and an operation between; a head behind the third. */
  beforeEach(async () => {
    store = new FakeAuditStore();
    store.open('d1', 'decision', NOON_MS);
    store.open('o1', 'operation', NOON_MS);
    for (let hour = 1; hour <= 6; hour += 1) {
      const timeMs = NOON_MS + hour * HOUR_MS;
      store.append('d1', RECORDS.decision(hour, timeMs), timeMs);
      if (hour === 3) await head(timeMs + 1);
    }
    store.append('o1', RECORDS.operation(1, NOON_MS), NOON_MS + 6 * HOUR_MS);
  });

  async function head(timeMs: number): Promise<void> {
    const facts = { timeMs, trustDomain: 'cluster.local', cluster: 'kubernetes', server: 'capstan-0' };
    const statement = nextHead(await store.chains(), undefined, facts) as HeadStatement;
    const text = writeLine({ kind: 'head', statement, ...key.sign('head', statement) });
    await store.keepHead({ timeMs, digest: statementDigest(statement), text });
  }

  /** @param kept what the server that signs the end says of its retention. */
  async function exported(times: Partial<ExportedTimes> = {}, kept: { keptSinceMs?: number } = {}): Promise<string[]> {
    const writer = new ExportWriter();
    const all = { nowMs: NOON_MS + 7 * HOUR_MS, ...times };
    const ranges = await exportedRanges({ chains: store }, all, { signal });
    const lines = await Array.fromAsync(
      exportedLines({ chains: store, heads: store, writer }, ranges, all, { signal }),
    );
    const { nowMs, ...rest } = all;
    const statement = writer.end({ timeMs: nowMs, ...rest, ...kept, chains: ranges.map(({ range }) => range) });
    return [...lines, endLine(statement, key.sign('export', statement))].map((line) => line.trimEnd());
  }

  function verdictOf(lines: readonly string[]): Verdict {
    const verifier = new ExportVerifier({ keys: [key.auditKey], expected: [] });
    for (const line of lines) verifier.take(line);
    return verifier.verdict();
  }
  const through = ({ chains }: Verdict) => chains.map(({ after, through: to }) => [after.sequence, to.sequence]);

  it('is proven by the verifier', async () => {
    const verdict = verdictOf(await exported());
    assert.equal(verdict.result, 'proven', JSON.stringify(verdict));
    assert.deepEqual(through(verdict), [
      [0, 6],
      [0, 1],
    ]);
    assert.equal(verdict.heads, 1);
  });

  it('has what is between two times, and is proven for them', async () => {
    const times = { sinceMs: NOON_MS + 2 * HOUR_MS, untilMs: NOON_MS + 4 * HOUR_MS };
    const verdict = verdictOf(await exported(times));
    assert.equal(verdict.result, 'proven', JSON.stringify(verdict));
    assert.deepEqual(through(verdict), [
      [1, 4],
      [0, 0],
    ]);
    assert.equal(verdict.end?.untilMs, times.untilMs);
  });

  it('leaves out heads of later records than it has', async () => {
    const { heads, result } = verdictOf(await exported({ untilMs: NOON_MS + 2 * HOUR_MS }));
    assert.deepEqual([heads, result], [0, 'proven']);
  });

  it('begins where retention has left the chain', async () => {
    store.remove('d1', 2);
    const verdict = verdictOf(await exported({}, { keptSinceMs: NOON_MS + 3 * HOUR_MS }));
    assert.equal(verdict.result, 'proven', JSON.stringify(verdict));
    assert.deepEqual(through(verdict)[0], [2, 6]);
  });

  it('does not prove a beginning of which no signed end says since when all is kept', async () => {
    store.remove('d1', 2);
    const { result, gaps } = verdictOf(await exported());
    assert.deepEqual([result, gaps.map(({ code }) => code)], ['not_proven', ['unproven_beginning']]);
  });

  it('names the records of no chain, which are not proven', async () => {
    store.unchainedRecords.push({ kind: 'decision', record: RECORDS.decision(9, NOON_MS) });
    const { result, gaps, unchained } = verdictOf(await exported());
    assert.deepEqual([result, gaps.map(({ code }) => code), unchained], ['not_proven', ['unchained'], 1]);
    assert.equal(verdictOf(await exported({ sinceMs: NOON_MS + HOUR_MS })).unchained, 0);
  });

  it('shows what somebody changed in the database, also when a server signs the export', async () => {
    store.tamper('d1', 2, RECORDS.decision(66, NOON_MS));
    const { result, tamperings } = verdictOf(await exported());
    assert.deepEqual([result, tamperings[0]?.code, tamperings[0]?.sequence], ['tampered', 'changed', 2]);
  });

  it('shows that a chain is gone which a head names', async () => {
    store.drop('d1');
    const { result, tamperings } = verdictOf(await exported());
    assert.deepEqual([result, tamperings[0]?.code], ['tampered', 'missing_chain']);
  });
});
