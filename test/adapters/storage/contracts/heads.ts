// What whoever signs the journal may rely on: the heads that were kept are read back, each once, in their order.
import assert from 'node:assert/strict';
import type { AuditHeadReader, AuditHeads, KeptHead } from '../../../../src/ports/audit/audit-heads.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { NEVER } from '../sqlite/records.ts';

const WAITING = { signal: NEVER };

export interface HeadStore extends AsyncDisposable {
  readonly heads: AuditHeads;
  readonly reader: AuditHeadReader;
  /** Of the lease in force. */
  readonly epoch: number;
  deleteBefore(beforeMs: number, limit: number): Promise<number>;
}

/** @param name a digit or letter of a digest. */
function head(name: string, timeMs = NOON_MS): KeptHead {
  return { timeMs, digest: name.repeat(64), text: `{"kind":"head","of":"${name} \\u0000 \u{1f600}"}` };
}

export function itKeepsHeads(open: () => Promise<HeadStore>): void {
  let store: HeadStore;
  beforeEach(async () => (store = await open()));
  afterEach(() => store[Symbol.asyncDispose]());

  const keep = async (kept: KeptHead, epoch = store.epoch): Promise<void> =>
    store.heads.keepHead(kept, { epoch, ...WAITING });
  const read = async (sinceMs?: number): Promise<readonly KeptHead[]> =>
    Array.fromAsync(
      store.reader.heads(sinceMs === undefined ? {} : { sinceMs }, WAITING),
      ({ timeMs, digest, text }) => ({
        timeMs,
        digest,
        text,
      }),
    );
  const last = async (): Promise<string | undefined> => (await store.heads.lastHeads(1, WAITING))[0]?.digest[0];

  it('has none before the first', async () => {
    assert.deepEqual([await last(), await read()], [undefined, []]);
  });

  it('reads back what was kept, in the order in which that was done, and knows the last', async () => {
    const heads = [head('a'), head('b', NOON_MS + 1), head('c', NOON_MS + 2)];
    for (const each of heads) await keep(each);
    assert.deepEqual(await read(), heads);
    assert.deepEqual(await read(NOON_MS + 1), heads.slice(1));
    const newest = await store.heads.lastHeads(2, WAITING);
    assert.deepEqual(
      newest.map(({ timeMs, digest, text }) => ({ timeMs, digest, text })),
      [heads[2], heads[1]],
    );
  });

  it('has once what was kept twice, as after an answer that was lost', async () => {
    await keep(head('a'));
    await keep(head('a'));
    assert.equal((await read()).length, 1);
  });

  it('keeps none of who has the lease no more', async () => {
    await keep(head('a'));
    await assert.rejects(keep(head('b'), store.epoch + 1), /CAP-S04/);
    assert.equal(await last(), 'a');
  });

  it('lets old ones go by and by, and never the newest', async () => {
    for (const each of [head('a'), head('b'), head('c', NOON_MS + 5)]) await keep(each);
    assert.equal(await store.deleteBefore(NOON_MS + 1, 1), 1);
    assert.equal((await read()).length, 2);
    await store.deleteBefore(NOON_MS + 9, 9);
    assert.deepEqual(
      (await read()).map(({ digest }) => digest[0]),
      ['c'],
    );
  });

  it('leaves none out between two others, nor takes one from there, where a clock was set back', async () => {
    for (const each of [head('a', NOON_MS + 5), head('b'), head('c', NOON_MS + 6), head('d', NOON_MS + 7)]) {
      await keep(each);
    }
    const left = async (sinceMs?: number) => (await read(sinceMs)).map(({ digest }) => digest[0]).join('');
    assert.equal(await left(NOON_MS + 4), 'abcd');
    assert.equal(await left(NOON_MS + 6), 'cd');
    assert.equal(await left(NOON_MS + 8), '');
    await store.deleteBefore(NOON_MS + 1, 1);
    assert.equal(await left(), 'bcd');
    await store.deleteBefore(NOON_MS + 1, 9);
    assert.equal(await left(), 'cd');
  });
}
