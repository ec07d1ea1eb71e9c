import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { watchFolder } from '../../../src/adapters/files/watch-folder.ts';
import { watchedFiles } from '../../../src/adapters/files/watched-files.ts';
import { RelayedWatches } from '../../../src/adapters/processes/relayed-watches.ts';
import { WatchRelay } from '../../../src/adapters/processes/watch-relay.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock, settle } from '../../support/fakes/fake-clock.ts';
import { linkedPair, type LinkedPair } from '../../support/fakes/linked-pair.ts';

const SOON = { withinMs: 30_000 };

/** The platform's watches, as a test moves them. */
class FakeWatches {
  readonly open: { readonly folder: string; readonly changed: (name: string | null) => void }[] = [];
  made = 0;

  readonly watchFolder = (
    folder: string,
    changed: (name: string | null) => void,
    { signal }: { readonly signal: AbortSignal },
  ): void => {
    const entry = { folder, changed };
    this.made += 1;
    this.open.push(entry);
    signal.addEventListener('abort', () => void this.open.splice(this.open.indexOf(entry), 1));
  };

  change(folder: string, name: string): void {
    for (const one of this.open.filter((candidate) => candidate.folder === folder)) one.changed(name);
  }
}

interface Worker {
  readonly pair: LinkedPair;
  readonly watches: RelayedWatches;
}

describe('The one set of watches', () => {
  let platform: FakeWatches;
  let relay: WatchRelay;
  let end: AbortController;
  beforeEach(() => {
    platform = new FakeWatches();
    relay = new WatchRelay(platform);
    end = new AbortController();
  });
  afterEach(() => end.abort());

  function worker(): Worker {
    const pair = linkedPair(new FakeClock());
    relay.attach(pair.supervisor, pair.supervisor.closed);
    return { pair, watches: new RelayedWatches(pair.worker) };
  }

  it('watches a folder once for all workers, and tells each of a change', async () => {
    const seen: unknown[] = [];
    for (const [index, { watches }] of [worker(), worker()].entries()) {
      await watches.watchFolder('/etc/a', (name) => seen.push([index, name]), end);
    }
    assert.deepEqual(
      platform.open.map(({ folder }) => folder),
      ['/etc/a'],
    );
    platform.change('/etc/a', 'file');
    platform.change('/etc/a', 'file');
    await settle();
    assert.deepEqual(seen, [
      [0, 'file'],
      [1, 'file'],
    ]);
  });

  it('is watching when a worker goes on to read, so that no change falls between', async () => {
    const { watches } = worker();
    const watching = watches.watchFolder('/etc/a', () => undefined, end);
    assert.equal(platform.open.length, 0);
    await watching;
    assert.equal(platform.open.length, 1);
  });

  it('watches anew what a worker asks for again, because it may be another folder by now', async () => {
    const first = worker();
    await first.watches.watchFolder('/etc/a', () => undefined, end);
    await worker().watches.watchFolder('/etc/a', () => undefined, end);
    assert.deepEqual([platform.made, platform.open.length], [2, 1]);
  });

  it('asks for the folders of a tree in one message', async () => {
    const { pair, watches } = worker();
    let asked = 0;
    const ask = pair.worker.ask.bind(pair.worker);
    pair.worker.ask = async (...args) => ((asked += 1), ask(...args));
    await Promise.all(['a', 'b', 'c'].map(async (name) => watches.watchFolder(name, () => undefined, end)));
    assert.deepEqual([asked, relay.size], [1, 3]);
  });

  it('ends a watch with the last worker that follows', async () => {
    const [first, second] = [worker(), worker()];
    const over = new AbortController();
    await first.watches.watchFolder('/etc/a', () => undefined, over);
    await second.watches.watchFolder('/etc/a', () => undefined, end);
    over.abort();
    await settle();
    assert.equal(platform.open.length, 1);
    second.pair.cut();
    assert.deepEqual([platform.open.length, relay.size], [0, 0]);
  });

  it('watches nothing for a round that ended before it was asked', async () => {
    const { watches } = worker();
    const over = new AbortController();
    const watching = watches.watchFolder('/etc/a', () => undefined, over);
    over.abort();
    await watching;
    assert.equal(relay.size, 0);
  });

  it('leaves a worker whose supervisor does not answer to its periodic reading', async () => {
    const { pair, watches } = worker();
    pair.cut();
    await watches.watchFolder('/etc/a', () => undefined, end);
  });

  it('lets files be followed as by a watch of the process itself', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'capstan-relay-'));
    const file = path.join(folder, 'file');
    writeFileSync(file, 'one');
    const real = new WatchRelay({ watchFolder });
    const pair = linkedPair(new FakeClock());
    real.attach(pair.supervisor, pair.supervisor.closed);
    const watches = new RelayedWatches(pair.worker);
    const clock = new FakeClock();
    const source = watchedFiles({ file }, { clock, watchFolder: async (...args) => watches.watchFolder(...args) });
    const texts: unknown[] = [];
    source.onChange(async () => void texts.push((await source.read()).get('file')), end);
    try {
      await eventually('the first reading', () => texts.length === 1, SOON);
      writeFileSync(file, 'two');
      // Less than the time to the periodic reading, again and again: only notice brings the second reading about.
      await eventually('a change', async () => (await clock.advance(100), texts.includes('two')), SOON);
      assert.ok(clock.monotonicMs() < 30_000);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
