// What whoever signs or proves the journal may rely on, whichever store it is in: every record is linked, in the order in which
// it became durable, and what is read back is what was digested.
import assert from 'node:assert/strict';
import { linkDigest, openingPoint, type ChainKind } from '../../../../src/domain/audit/chain.ts';
import type { ChainReader, ChainSnapshots, ChainState } from '../../../../src/ports/audit/chain-reader.ts';
import type { OperationRecord } from '../../../../src/ports/storage/operation-journal.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { closing, issued, NEVER, refused, traced } from '../sqlite/records.ts';
import type { StoredJournal } from './stored-journal.ts';

const WAITING = { signal: NEVER };

export interface ChainedStore extends AsyncDisposable {
  readonly journal: Pick<StoredJournal, 'record' | 'recordOperation' | 'recordClosings' | 'deleteBefore'>;
  readonly snapshots: ChainSnapshots;
  /** Ends the writer and begins with the next, as a restart does. */
  restart(): Promise<void>;
}

/** Whether a writer goes on with the chains of the one before it, or begins its own. */
export interface ChainSettings {
  readonly continued: boolean;
}

/** @returns what was read; fails where a link does not follow from the one before. */
export async function provenLinks(reader: ChainReader, { opening, last, removed }: ChainState): Promise<object[]> {
  const { chain, kind } = opening;
  let before = removed ?? openingPoint(opening);
  const range = { afterSequence: before.sequence, throughSequence: last.sequence };
  const records: object[] = [];
  for await (const { sequence, digest, record } of reader.links(chain, range, WAITING)) {
    assert.equal(sequence, before.sequence + 1, `the sequence of ${kind} ${sequence}`);
    assert.equal(linkDigest(before.digest, { chain, kind, sequence, record }), digest, `${kind} ${sequence}`);
    before = { sequence, digest };
    records.push(record);
  }
  assert.deepEqual(before, last);
  return records;
}

/** By kind, chain after chain. */
export async function provenRecords(snapshots: ChainSnapshots): Promise<Readonly<Record<ChainKind, object[]>>> {
  await using reader = await snapshots.chainsNow(WAITING);
  const proven: Record<ChainKind, object[]> = { decision: [], operation: [], closing: [] };
  for (const state of await reader.chains(WAITING)) {
    proven[state.opening.kind].push(...(await provenLinks(reader, state)));
  }
  return proven;
}

const HOSTILE = 'a\u0000b\ud800c "d" \\u0000 \u202e\u{1f600}';
const OPERATION: OperationRecord = { timeMs: NOON_MS, operation: 'bundle reset-time', was: 'a', is: 'b' };

export function itLinksRecords(open: () => Promise<ChainedStore>, { continued }: ChainSettings): void {
  let store: ChainedStore;
  beforeEach(async () => (store = await open()));
  afterEach(() => store[Symbol.asyncDispose]());

  const states = async (): Promise<readonly ChainState[]> => {
    await using reader = await store.snapshots.chainsNow(WAITING);
    return await reader.chains(WAITING);
  };

  it('has no chain before the first record', async () => {
    assert.deepEqual(await states(), []);
  });

  it('links decisions, operations and closings, each kind in a chain of its own', async () => {
    const decisions = [issued('a', { policy: traced() }), refused('b', { count: 3 })];
    const operations = [OPERATION, { ...OPERATION, details: { actor: 'local', role: 'admin', count: 2 } }];
    const closings = [closing('x'), closing('y', { serviceAccountUid: 'sa', lastSeenMs: NOON_MS - 1 })];
    await store.journal.record(...decisions);
    for (const operation of operations) await store.journal.recordOperation(operation);
    await store.journal.recordClosings(closings);
    const proven = await provenRecords(store.snapshots);
    assert.deepEqual(proven, { decision: decisions, operation: operations, closing: closings });
    assert.equal((await states()).length, 3);
  });

  it('digests what can be read back, whatever somebody put into a record', async () => {
    await store.journal.record(
      issued('a', { caller: HOSTILE, policy: traced({ subject: HOSTILE }) }),
      refused('b', { message: HOSTILE }),
    );
    await store.journal.recordOperation({ ...OPERATION, was: HOSTILE, details: { actor: HOSTILE, role: '' } });
    await store.journal.recordClosings([closing('x', { serviceAccountUid: '', nodeName: HOSTILE })]);
    const { decision, operation, closing: closings } = await provenRecords(store.snapshots);
    assert.deepEqual([decision.length, operation.length, closings.length], [2, 1, 1]);
  });

  it('goes on after a restart', async () => {
    await store.journal.record(issued('a'));
    const [before] = await states();
    await store.restart();
    const later = ['b', 'c'].map((name) => issued(name, { timeMs: NOON_MS + 1 }));
    await store.journal.record(...later);
    const [first, second, ...more] = await states();
    assert.deepEqual(more, []);
    if (continued) {
      assert.equal(second, undefined);
      assert.deepEqual(first?.last.sequence, 3);
      assert.deepEqual(first.opening, before?.opening);
    } else {
      assert.deepEqual(first, before);
      assert.deepEqual(second?.opening.follows, { chain: first?.opening.chain, ...first?.last });
    }
    const { decision } = await provenRecords(store.snapshots);
    assert.deepEqual(decision, [issued('a'), ...later]);
  });

  it('leaves a closing alone that is there already, and links the others', async () => {
    await store.journal.recordClosings([closing('x')]);
    await store.journal.recordClosings([closing('x', { timeMs: NOON_MS + 9 }), closing('y')]);
    await store.journal.recordClosings([closing('z'), closing('y')]);
    const { closing: closings } = await provenRecords(store.snapshots);
    assert.deepEqual(closings, [closing('x'), closing('y'), closing('z')]);
  });

  it('keeps a proof of the rest when old records leave it, and of where they ended', async () => {
    const at = (name: string, timeMs: number) => issued(name, { timeMs: NOON_MS + timeMs });
    await store.journal.record(at('a', 0), at('b', 1), at('c', 2), at('d', 9));
    await store.journal.recordClosings([closing('x', { timeMs: NOON_MS }), closing('y', { timeMs: NOON_MS + 9 })]);
    assert.equal(await store.journal.deleteBefore(NOON_MS + 5, 2), 2);
    assert.equal(await store.journal.deleteBefore(NOON_MS + 5, 2), 1);
    assert.equal(await store.journal.deleteBefore(NOON_MS + 5, 2), 0);
    const { decision, closing: closings } = await provenRecords(store.snapshots);
    assert.deepEqual(decision, [at('d', 9)]);
    assert.deepEqual(closings, [closing('y', { timeMs: NOON_MS + 9 })]);
    const removed = (await states()).map(({ opening: { kind }, removed: point }) => `${kind} ${point?.sequence}`);
    assert.deepEqual(removed.toSorted(), ['closing 1', 'decision 3']);
  });

  it('goes on where it was when all of its records have left', async () => {
    await store.journal.record(issued('a'), issued('b'));
    assert.equal(await store.journal.deleteBefore(NOON_MS + 5, 9), 2);
    const [emptied] = await states();
    assert.deepEqual(emptied, { ...emptied, last: emptied?.removed, lastMs: NOON_MS });
    await store.journal.record(issued('c', { timeMs: NOON_MS + 9 }));
    const [state, ...more] = await states();
    assert.equal(state?.lastMs, NOON_MS + 9);
    assert.deepEqual([state.removed?.sequence, state.last.sequence, more.length], [2, 3, 0]);
    assert.equal((await provenRecords(store.snapshots)).decision.length, 1);
  });

  it('lets no record leave before those ahead of it in its chain', async () => {
    const at = (name: string, timeMs: number) => issued(name, { timeMs: NOON_MS + timeMs });
    await store.journal.record(at('a', 0), at('slow', 9), at('b', 1), at('c', 10));
    assert.equal(await store.journal.deleteBefore(NOON_MS + 5, 9), 1);
    assert.deepEqual((await provenRecords(store.snapshots)).decision, [at('slow', 9), at('b', 1), at('c', 10)]);
    assert.equal(await store.journal.deleteBefore(NOON_MS + 10, 9), 2);
    assert.deepEqual((await provenRecords(store.snapshots)).decision, [at('c', 10)]);
  });

  it('lets nothing wait behind a record of a time that is yet to come', async () => {
    const at = (name: string, timeMs: number) => issued(name, { timeMs });
    const ahead = at('ahead', Date.now() + 1e12);
    await store.journal.record(at('a', NOON_MS), ahead, at('b', NOON_MS + 1), at('c', NOON_MS + 9));
    assert.equal(await store.journal.deleteBefore(NOON_MS + 5, 9), 3);
    assert.deepEqual((await provenRecords(store.snapshots)).decision, [at('c', NOON_MS + 9)]);
  });

  it('is read as it was when the reading began', async () => {
    await store.journal.record(issued('a'), issued('b'));
    await using reader = await store.snapshots.chainsNow(WAITING);
    const [state] = await reader.chains(WAITING);
    assert.ok(state !== undefined);
    await store.journal.record(issued('c'));
    await store.journal.deleteBefore(NOON_MS + 5, 9);
    assert.equal((await provenLinks(reader, state)).length, 2);
    assert.deepEqual(await reader.chains(WAITING), [state]);
  });

  it('tells the digest and the time of any of its links, and of its opening', async () => {
    await store.journal.record(issued('a'), issued('b', { timeMs: NOON_MS + 7 }));
    await using reader = await store.snapshots.chainsNow(WAITING);
    const [state] = await reader.chains(WAITING);
    assert.ok(state !== undefined);
    const { opening, last } = state;
    const point = async (sequence: number) => reader.pointOf(opening.chain, sequence, WAITING);
    assert.deepEqual(await point(2), { ...last, timeMs: NOON_MS + 7 });
    assert.deepEqual(await point(0), { ...openingPoint(opening), timeMs: opening.openedMs });
    assert.equal(await point(3), undefined);
    assert.equal(await reader.pointOf('no such chain', 1, WAITING), undefined);
  });

  it('tells where what is from a moment on begins', async () => {
    const records = [0, 1, 2, 2, 2, 5, 9].map((at, index) => issued(`${index}`, { timeMs: NOON_MS + at }));
    await store.journal.record(...records);
    await store.journal.deleteBefore(NOON_MS + 1, 9);
    await using reader = await store.snapshots.chainsNow(WAITING);
    const [{ opening, last, lastMs, removed } = assert.fail()] = await reader.chains(WAITING);
    const before = async (timeMs: number) => reader.pointBefore(opening.chain, NOON_MS + timeMs, WAITING);
    assert.deepEqual(await before(0), removed);
    assert.equal((await before(2))?.sequence, 2);
    assert.equal((await before(3))?.sequence, 5);
    assert.deepEqual(await before(10), last);
    assert.equal(lastMs, NOON_MS + 9);
    assert.equal(await reader.pointBefore('no such chain', 1, WAITING), undefined);
  });
}
