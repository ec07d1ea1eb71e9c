import assert from 'node:assert/strict';
import { ExportEnds, type AskedEnd } from '../../../src/authority/audit/export-ends.ts';
import { writeLine } from '../../../src/domain/audit/export-line.ts';
import { nextHead } from '../../../src/domain/audit/head.ts';
import { isSignedBy, statementDigest } from '../../../src/domain/audit/statement.ts';
import type { OperationRecord } from '../../../src/ports/storage/operation-journal.ts';
import { headKey, RECORDS } from '../../domain/audit/support/sample-export.ts';
import { FakeAuditStore } from './support/audit-store.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';

const HOUR_MS = 3_600_000;

describe('The signed end of an export', () => {
  const key = headKey();
  const { signal } = new AbortController();
  const by = { actor: 'CN=auditor', role: 'viewer' };
  let store: FakeAuditStore;
  let operations: OperationRecord[];
  let ends: ExportEnds;
  let differs: string | undefined;

  /** Four decisions, one each hour since noon. */
  beforeEach(() => {
    store = new FakeAuditStore();
    operations = [];
    differs = undefined;
    store.open('d1', 'decision', NOON_MS);
    for (let hour = 1; hour <= 4; hour += 1) {
      store.append('d1', RECORDS.decision(hour, 0), NOON_MS + hour * HOUR_MS);
    }
    const signer = {
      sign: async <S extends object>(purpose: 'head' | 'export', statement: S) => ({
        statement,
        ...key.sign(purpose, statement),
      }),
      publicKey: async () => key.publicPem,
    };
    const journal = { recordOperation: async (record: OperationRecord) => void operations.push(record) };
    const clock = new FakeClock(NOON_MS + 10 * HOUR_MS);
    const settings = { trustDomain: 'cluster.local', cluster: 'kubernetes', server: 'capstan-0', retentionMs: HOUR_MS };
    ends = new ExportEnds(
      { chains: store, heads: store, signer, journal, clock, differs: async () => differs },
      settings,
    );
  });

  const all: AskedEnd = {
    timeMs: NOON_MS + 9 * HOUR_MS,
    chains: [['d1', 0, 4]],
    unchained: 2,
    content: 'ab'.repeat(32),
  };
  const sign = async (asked: Partial<AskedEnd> = {}) => ends.sign({ ...all, ...asked }, by, { signal });

  it('states the range and the count as the journal has them, and is on record with who asked', async () => {
    const signed = await sign();
    assert.ok('statement' in signed);
    assert.ok(isSignedBy(key.auditKey, 'export', signed));
    const { statement } = signed;
    const last = (await store.pointOf('d1', 4))!;
    assert.deepEqual(statement.chains[0]?.through, { sequence: 4, digest: last.digest });
    const { records, unchained, server, keptSinceMs } = statement;
    assert.deepEqual([records, unchained, server, keptSinceMs], [4, 2, 'capstan-0', NOON_MS + 9 * HOUR_MS]);
    const [{ operation, is, details } = {} as OperationRecord] = operations;
    assert.deepEqual(
      [operation, is, details?.actor, details?.role],
      ['journal export', '6 records signed', 'CN=auditor', 'viewer'],
    );
  });

  it('is not given while the journal is not what was signed of it', async () => {
    differs = 'the journal is not what was signed of it: its heads are gone';
    assert.deepEqual(await sign(), { problem: differs });
    assert.deepEqual(operations, []);
  });

  it('may be of less than the journal has by now, and says how far that goes', async () => {
    const signed = await sign({ chains: [['d1', 0, 3]] });
    assert.ok('statement' in signed);
    assert.deepEqual([signed.statement.records, signed.statement.chains[0]?.last], [3, 4]);
  });

  it('may leave out what its times leave out', async () => {
    const times = { sinceMs: NOON_MS + 1.5 * HOUR_MS, untilMs: NOON_MS + 3.5 * HOUR_MS };
    const signed = await sign({ ...times, chains: [['d1', 1, 3]] });
    assert.ok('statement' in signed);
    assert.deepEqual([signed.statement.sinceMs, signed.statement.untilMs], [times.sinceMs, times.untilMs]);
  });

  it('begins where retention left the chain', async () => {
    store.remove('d1', 2);
    assert.ok('statement' in (await sign({ chains: [['d1', 2, 4]] })));
    // Begun before retention went on.
    assert.ok('statement' in (await sign()));
  });

  it('is of no chain that was opened after the export was begun', async () => {
    store.open('d2', 'decision', NOON_MS + 9.5 * HOUR_MS);
    assert.ok('statement' in (await sign()));
  });

  it('says that all is kept since what the last head says, where retention was shorter once; of a head of this key alone', async () => {
    const shorter = { periodMs: 1_000, keptSinceMs: NOON_MS + 9.5 * HOUR_MS };
    const keptSinceOf = async (by: ReturnType<typeof headKey>, retention: typeof shorter) => {
      const facts = { timeMs: NOON_MS, trustDomain: 'cluster.local', cluster: 'kubernetes', server: 'capstan-1' };
      const statement = nextHead(await store.chains(), undefined, { ...facts, retention })!;
      const text = writeLine({ kind: 'head', statement, ...by.sign('head', statement) });
      await store.keepHead({ timeMs: NOON_MS, digest: statementDigest(statement), text });
      const signed = await sign();
      assert.ok('statement' in signed);
      return signed.statement.keptSinceMs;
    };
    const byRetention = NOON_MS + 9 * HOUR_MS;
    assert.equal(await keptSinceOf(key, shorter), shorter.keptSinceMs);
    assert.equal(await keptSinceOf(key, { ...shorter, keptSinceMs: NOON_MS }), byRetention);
    assert.equal(await keptSinceOf(headKey(), shorter), byRetention);
  });

  const refused: readonly (readonly [what: string, asked: Partial<AskedEnd>, problem: RegExp])[] = [
    ['lacks a chain', { chains: [] }, /^it lacks the chain d1$/],
    ['names a chain that is not there', { chains: [...all.chains, ['x', 0, 1]] }, /the chain x not as it has it/],
    ['names a record that is not there', { chains: [['d1', 0, 5]] }, /the chain d1 not as it has it/],
    ['ends before it begins', { chains: [['d1', 3, 2]] }, /the chain d1 not as it has it/],
    ['lacks records at the beginning without a time', { chains: [['d1', 2, 4]] }, /the chain d1 not as it has it/],
    [
      'lacks records at the beginning that are not from before its time',
      { sinceMs: NOON_MS + 1.5 * HOUR_MS, chains: [['d1', 2, 4]] },
      /the chain d1 not as it has it/,
    ],
    [
      'lacks records at the end that are not from after its time',
      { untilMs: NOON_MS + 3.5 * HOUR_MS, chains: [['d1', 0, 2]] },
      /the chain d1 not as it has it/,
    ],
  ];
  for (const [what, asked, problem] of refused) {
    it(`is not given to an export that ${what}`, async () => {
      const answer = await sign(asked);
      assert.ok('problem' in answer);
      assert.match(answer.problem, problem);
      assert.deepEqual(operations, []);
    });
  }

  it('is signed of as many chains as servers that often start anew have opened, without a look at each of their records', async () => {
    const more = Array.from({ length: 5_000 }, (_, at) => `more-${at}`);
    for (const chain of more) {
      store.open(chain, 'decision', NOON_MS);
      store.append(chain, RECORDS.decision(1, 0), NOON_MS);
    }
    let looks = 0;
    const pointOf = store.pointOf.bind(store);
    store.pointOf = async (...given) => {
      looks += 1;
      return pointOf(...given);
    };
    const signed = await sign({ chains: [...all.chains, ...more.map((chain) => [chain, 0, 1] as const)] });
    assert.ok('statement' in signed);
    assert.deepEqual([signed.statement.chains.length, looks], [5_001, 0]);
  });
});
