// Two replicas that share one rollback state.
import assert from 'node:assert/strict';
import { PolicyBundleManager } from '../../../../src/adapters/policy/bundle/bundle-manager.ts';
import type { PolicyBundleTexts } from '../../../../src/adapters/policy/bundle/verify-bundle.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { SharedBundleState } from '../../../support/fakes/policy-bundle-state.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { bundleText, HoldersFolder, signatureText, type BundleWish } from './holders.ts';

const HOUR_MS = 3_600_000;
const NEVER = { signal: new AbortController().signal };

function offer(wish: BundleWish): readonly PolicyBundleTexts[] {
  const bundle = bundleText(wish);
  return [{ place: 'b.yaml', bundle, signaturePlace: 'b.yaml.sig', signature: signatureText(bundle) }];
}

describe('Replicas that share a rollback state', () => {
  let folder: HoldersFolder;
  let state: SharedBundleState;
  beforeEach(() => {
    folder = new HoldersFolder();
    state = new SharedBundleState();
  });
  afterEach(() => folder[Symbol.dispose]());

  async function replica(clock = new FakeClock()) {
    const events = recordEvents();
    const trust = { keyFiles: folder.pin(), threshold: 1, state };
    const manager = new PolicyBundleManager({ clock, events }, { clusterId: 'prod-1', trust });
    await manager.open(NEVER);
    return { manager, events, clock };
  }

  it('take the same policy bundle, each in its time', async () => {
    const [one, other] = [await replica(), await replica()];
    for (const { manager } of [one, other]) await manager.load(offer({ sequence: 42 }), NEVER);
    assert.equal(state.state?.sequence, 42);
    assert.deepEqual(
      [one, other].map(({ manager }) => manager.current().bundle.sequence),
      [42, 42],
    );
  });

  it('keep out what is older than the other took meanwhile, and say so', async () => {
    const [one, other] = [await replica(), await replica()];
    await one.manager.load(offer({ sequence: 42 }), NEVER);
    await other.manager.load(offer({ sequence: 44 }), NEVER);
    await one.manager.reload(async () => offer({ sequence: 43 }), NEVER);
    assert.equal(one.manager.current().bundle.sequence, 42);
    const [{ problem } = { problem: '' }] = one.events.of('reloadFailed');
    assert.match(String(problem), /is a rollback: 43 is older than 44, which the shared store remembers/);
    assert.equal(state.state?.sequence, 44);
  });

  it('keep out another policy bundle of the sequence that the other took', async () => {
    const [one, other] = [await replica(), await replica()];
    await other.manager.load(offer({ sequence: 42 }), NEVER);
    await assert.rejects(one.manager.load(offer({ sequence: 42, contact: 'mallory@corp.example' }), NEVER), {
      message: /42 is that of another bundle already/,
    });
    assert.throws(() => one.manager.current(), { reason: 'CAP-S02' });
  });

  it('keep the last good one while the state cannot be written', async () => {
    const { manager } = await replica();
    await manager.load(offer({ sequence: 42 }), NEVER);
    state.failure = new Error('the store is away');
    await assert.rejects(manager.load(offer({ sequence: 43 }), NEVER), /the store is away/);
    assert.equal(manager.current().bundle.sequence, 42);
  });

  it('report nothing of a look that the end of the server cut short', async () => {
    const { manager, events } = await replica();
    const end = new AbortController();
    end.abort();
    await manager.reload(async () => offer({ sequence: 42 }), { signal: end.signal });
    assert.deepEqual(events.of('reloadFailed'), []);
  });

  it('judge by the latest time that any of them saw', async () => {
    const ahead = await replica(new FakeClock(NOON_MS + HOUR_MS));
    await ahead.manager.load(offer({ sequence: 42 }), NEVER);
    const { manager } = await replica();
    assert.equal(manager.timeMs(), NOON_MS + HOUR_MS);
  });
});

describe('The time by which policy bundles are judged', () => {
  let folder: HoldersFolder;
  let state: SharedBundleState;
  let clock: FakeClock;
  let manager: PolicyBundleManager;
  beforeEach(async () => {
    folder = new HoldersFolder();
    state = new SharedBundleState();
    clock = new FakeClock(NOON_MS + HOUR_MS);
    const trust = { keyFiles: folder.pin(), threshold: 1, state };
    manager = new PolicyBundleManager({ clock, events: recordEvents() }, { clusterId: 'prod-1', trust });
    await manager.open(NEVER);
    await manager.load(offer({ sequence: 42 }), NEVER);
    clock.jumpTo(NOON_MS);
  });
  afterEach(() => folder[Symbol.dispose]());

  it('is set back to the clock when it is the one that the operator was shown', async () => {
    const recorded: unknown[] = [];
    const record = async (done: unknown): Promise<void> => void recorded.push(done);
    let changes = 0;
    manager.onChange(() => (changes += 1), NEVER);
    assert.equal(await manager.setTimeBack(NOON_MS + 1, record, NEVER), undefined);
    assert.equal(changes, 0);
    const done = { atMs: NOON_MS, fromMs: NOON_MS + HOUR_MS };
    assert.deepEqual(await manager.setTimeBack(NOON_MS + HOUR_MS, record, NEVER), done);
    assert.deepEqual(recorded, [done]);
    assert.equal(changes, 1, 'what waits is judged again');
    assert.deepEqual([manager.timeMs(), state.state?.latestSeenMs], [NOON_MS, NOON_MS]);
  });

  it('stays what it was when that cannot be recorded or written', async () => {
    const broken = async (): Promise<void> => Promise.reject(new Error('the journal is away'));
    await assert.rejects(manager.setTimeBack(NOON_MS + HOUR_MS, broken, NEVER), /the journal is away/);
    state.failure = new Error('the store is away');
    await assert.rejects(
      manager.setTimeBack(NOON_MS + HOUR_MS, async () => undefined, NEVER),
      /the store is away/,
    );
    assert.deepEqual([manager.timeMs(), state.state?.latestSeenMs], [NOON_MS + HOUR_MS, NOON_MS + HOUR_MS]);
  });

  it('is set back within a minute in every process that shares it, and brought forward by none of them', async () => {
    const trust = { keyFiles: folder.pin(), threshold: 1, state };
    const other = new PolicyBundleManager({ clock, events: recordEvents() }, { clusterId: 'prod-1', trust });
    await other.open(NEVER);
    await other.load([...offer({ sequence: 42 })], NEVER);
    const stopping = new AbortController();
    let changes = 0;
    other.onChange(() => (changes += 1), NEVER);
    void other.watchTime({ signal: stopping.signal });
    await clock.advance(0);
    assert.equal(other.timeMs(), NOON_MS + HOUR_MS);
    await manager.setTimeBack(NOON_MS + HOUR_MS, async () => undefined, NEVER);
    await clock.advance(60_000);
    stopping.abort();
    assert.deepEqual([other.timeMs(), state.state?.latestSeenMs], [NOON_MS + 60_000, NOON_MS + 60_000]);
    assert.equal(changes, 1, 'what waits there is judged again');
  });

  it('is not brought forward again by a policy bundle that is accepted while it is set back', async () => {
    state.afterWrite = async () => manager.load(offer({ sequence: 43 }), NEVER);
    await manager.setTimeBack(NOON_MS + HOUR_MS, async () => undefined, NEVER);
    assert.deepEqual([manager.timeMs(), state.state?.latestSeenMs], [NOON_MS, NOON_MS]);
    assert.equal(state.state?.sequence, 43);
  });
});
