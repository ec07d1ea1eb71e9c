// What everybody who reads a journal may rely on, whichever store it is in.
import assert from 'node:assert/strict';
import { MANY, NEWEST } from '../../../../src/adapters/storage/readings/newest-first.ts';
import type { JournalQuery } from '../../../../src/ports/storage/issuance-journal.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { issued, NEVER, refused, traced } from '../sqlite/records.ts';
import type { OpenStore, StoredJournal } from './stored-journal.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const OTHER = 'spiffe://cluster.local/ns/default/sa/other';
const WAITING = { signal: NEVER };

const QUERIES: readonly [string, JournalQuery, string[]][] = [
  ['everything, newest first', { limit: 10 }, ['stranger', 'third', 'second', 'first']],
  ['no more than asked for', { limit: 2 }, ['stranger', 'third']],
  ['one outcome', { outcome: 'refused', limit: 10 }, ['stranger', 'second']],
  ['the other outcome', { outcome: 'issued', limit: 10 }, ['third', 'first']],
  ['one decision', { decisionId: 'third', limit: 10 }, ['third']],
  ['one decision of an identity', { decisionId: 'third', identity: OTHER, limit: 10 }, ['third']],
  ['what an identity got and what it was refused', { identity: DEMO, limit: 10 }, ['second', 'first']],
  ['what an identity was refused', { identity: DEMO, outcome: 'refused', limit: 10 }, ['second']],
  ['what is not older than a moment', { sinceMs: NOON_MS + 2000, limit: 10 }, ['stranger', 'third']],
  ['all conditions together', { identity: DEMO, outcome: 'issued', sinceMs: NOON_MS, limit: 10 }, ['first']],
  ['certificates that are still valid', { validAtMs: NOON_MS + 60_000, limit: 10 }, ['first']],
  ["an identity's that are still valid", { identity: OTHER, validAtMs: NOON_MS + 60_000, limit: 10 }, []],
  ['nothing', { decisionId: "' OR 1=1 --", limit: 10 }, []],
];

export function itReadsJournals(open: OpenStore): void {
  describe('of four decisions', () => {
    let journal: StoredJournal;
    before(async () => {
      journal = await open();
      await journal.record(
        issued('first', { timeMs: NOON_MS }),
        refused('second', { timeMs: NOON_MS + 1000, caller: DEMO }),
        issued('third', { timeMs: NOON_MS + 2000, identity: OTHER, caller: OTHER, notAfterMs: NOON_MS + 60_000 }),
        refused('stranger', { timeMs: NOON_MS + 3000 }),
      );
    });
    after(() => journal[Symbol.asyncDispose]());

    for (const [what, query, ids] of QUERIES) {
      it(`finds ${what}`, async () => {
        const found = await journal.reader.list(query, WAITING);
        assert.deepEqual(
          found.map(({ decisionId }) => decisionId),
          ids,
        );
      });
    }

    for (const [what, { limit, ...conditions }, ids] of QUERIES.filter(([, query]) => query.limit === 10)) {
      it(`counts and goes through ${what.replace(', newest first', '')}, oldest first`, async () => {
        assert.ok(limit > ids.length);
        assert.equal(await journal.reader.count(conditions, WAITING), ids.length);
        assert.deepEqual(
          (await Array.fromAsync(journal.reader.scan(conditions, WAITING))).map(({ decisionId }) => decisionId),
          ids.toReversed(),
        );
      });
    }

    it('goes through them one by one, and can stop anywhere', async () => {
      for await (const { decisionId } of journal.reader.scan({}, WAITING)) {
        assert.equal(decisionId, 'first');
        break;
      }
      assert.equal((await Array.fromAsync(journal.reader.scan({}, WAITING))).length, 4);
    });
  });

  it('gives back what policy was asked and what it answered, and what a certificate goes back to', async () => {
    await using journal = await open();
    const proof = { proofId: 'first', provenAtMs: NOON_MS - 1, issuerName: 'prod', trustAnchor: 'ab' };
    const records = [
      issued('a', { policy: traced(), ...proof }),
      refused('b', { policy: traced({ requestedTtlMs: 1 }), count: 3 }),
    ];
    await journal.record(...records);
    assert.deepEqual(await Array.fromAsync(journal.reader.scan({}, WAITING)), records);
  });

  it('finds a refusal for another by whom it was for and by who asked', async () => {
    await using journal = await open();
    await journal.record(refused('relayed', { caller: OTHER, identity: DEMO }), refused('own', { caller: OTHER }));
    const idsOf = async (identity: string): Promise<string[]> =>
      (await journal.reader.list({ identity, limit: 10 }, WAITING)).map(({ decisionId }) => decisionId);
    assert.deepEqual([await idsOf(DEMO), await idsOf(OTHER)], [['relayed'], ['own', 'relayed']]);
  });

  it('lists the newest of an identity with very many decisions, whether they are among the newest of all or not', async () => {
    await using journal = await open();
    const ofDemo = MANY + 2;
    await journal.record(...Array.from({ length: ofDemo }, (_, n) => issued(`d${n}`, { timeMs: NOON_MS + n })));
    const list = async (): Promise<string[]> =>
      (await journal.reader.list({ identity: DEMO, limit: 2 }, WAITING)).map(({ decisionId }) => decisionId);
    const newest = [`d${ofDemo - 1}`, `d${ofDemo - 2}`];
    assert.deepEqual(await list(), newest);
    const later = { timeMs: NOON_MS + ofDemo, identity: OTHER, caller: OTHER };
    await journal.record(...Array.from({ length: NEWEST + 1 }, (_, n) => issued(`o${n}`, later)));
    assert.deepEqual(await list(), newest);
  });

  it('goes through many decisions, each once and in order, and sees none that comes meanwhile', async () => {
    await using journal = await open();
    const count = 2_501;
    await journal.record(...Array.from({ length: count }, (_, n) => issued(`d${n}`, { timeMs: NOON_MS + (n >> 1) })));
    let next = 0;
    for await (const { decisionId } of journal.reader.scan({}, WAITING)) {
      assert.equal(decisionId, `d${next}`);
      if (next === 0) await journal.record(issued('late', { timeMs: NOON_MS + count }));
      next += 1;
    }
    assert.equal(next, count);
    assert.equal(await journal.reader.count({}, WAITING), count + 1, 'while other questions see it');
  });

  it('stops when it is interrupted', async () => {
    await using journal = await open();
    await journal.record(...Array.from({ length: 2_501 }, (_, n) => issued(`d${n}`)));
    const interruption = new AbortController();
    let read = 0;
    const reading = async (): Promise<void> => {
      for await (const { decisionId } of journal.reader.scan({}, { signal: interruption.signal })) {
        assert.equal(decisionId, `d${read}`);
        read += 1;
        interruption.abort(new Error('interrupted'));
      }
    };
    await assert.rejects(reading, /interrupted/);
    assert.ok(read < 2_501);
    await assert.rejects(journal.reader.count({}, { signal: interruption.signal }), /interrupted/);
  });

  it('lists what operators did, newest first, from a moment on', async () => {
    await using journal = await open();
    const did = (timeMs: number) => ({ timeMs, operation: 'bundle reset-time', was: 'x', is: 'y' });
    for (const ms of [0, 1000, 2000]) await journal.recordOperation(did(NOON_MS + ms));
    assert.deepEqual(await journal.reader.operations({ limit: 2 }, WAITING), [
      did(NOON_MS + 2000),
      did(NOON_MS + 1000),
    ]);
    assert.deepEqual(await journal.reader.operations({ sinceMs: NOON_MS + 2000, limit: 9 }, WAITING), [
      did(NOON_MS + 2000),
    ]);
  });
}
