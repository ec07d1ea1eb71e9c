import assert from 'node:assert/strict';
import { FOLLOWED_EVERY_MS, KeptInventory } from '../../../src/authority/chores/keep-inventory.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { ExcusedTime } from '../../../src/domain/trust/interruption.ts';
import type { InventoryEntry } from '../../../src/domain/inventory/entry.ts';
import { KNOWN_AFTER_MS } from '../../../src/domain/inventory/new-pair.ts';
import type { InventoryKeeping, NewPairsQuestion, OverdueQuestion } from '../../../src/ports/inventory/inventory.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';

/** One that takes in a step at a time, and knows who is late. */
class FakeInventory implements InventoryKeeping {
  /** Steps until it is current. */
  behind = 0;
  problem: string | undefined;
  late: { readonly podName: string; readonly overdueMs: number }[] = [];
  readonly #told = new Set<string | undefined>();

  async follow({ nowMs }: { readonly nowMs: number }) {
    if (this.problem !== undefined) throw new AuthorityError('CAP-S04', { detail: this.problem });
    const isCurrent = this.behind === 0;
    this.behind = Math.max(0, this.behind - 1);
    return Promise.resolve({ isCurrent, asOfMs: isCurrent ? nowMs : NOON_MS - 60_000 });
  }

  async overdue({ nowMs, limit }: OverdueQuestion) {
    const late = this.late.filter(({ overdueMs }) => overdueMs <= nowMs);
    const entries = late.filter(({ podName }) => !this.#told.has(podName)) as unknown as InventoryEntry[];
    return Promise.resolve({ entries: entries.slice(0, limit), count: late.length });
  }

  /** Pods in the order in which they came. */
  pods: string[] = [];
  readonly asked: NewPairsQuestion[] = [];

  async newPairs(question: NewPairsQuestion) {
    this.asked.push(question);
    const { after, knownUntil } = question;
    const found = after === undefined || knownUntil === 0 ? [] : this.pods.slice(after);
    const entries = found.map((podName) => ({ podName })) as unknown as InventoryEntry[];
    return Promise.resolve({ entries, upTo: this.pods.length });
  }

  async reportedOverdue(entries: readonly InventoryEntry[]): Promise<void> {
    for (const { podName } of entries) this.#told.add(podName);
    return Promise.resolve();
  }
}

function scene() {
  const [inventory, clock, events, end] = [new FakeInventory(), new FakeClock(), recordEvents(), new AbortController()];
  const held = { epoch: 1, lost: new AbortController().signal, release: async () => Promise.resolve() };
  const lease = { acquire: async () => Promise.resolve(held) };
  const known: { excused: readonly ExcusedTime[] | undefined } = { excused: [] };
  const kept = new KeptInventory({ inventory, lease, clock, events, excused: () => known.excused });
  const ended = kept.run({ signal: end.signal });
  const told = () => events.of('identityOverdue').map(({ podName }) => podName);
  const pairs = () => events.of('newIdentityNodePair').map(({ podName }) => podName);
  return { inventory, clock, kept, known, told, pairs, stop: async () => (end.abort(), ended) };
}

describe('The keeping of the inventory', () => {
  it('names each that becomes late once, and counts all that are', async () => {
    const { inventory, clock, kept, told, stop } = scene();
    inventory.late = [
      { podName: 'web-1', overdueMs: NOON_MS },
      { podName: 'web-2', overdueMs: NOON_MS + 1_500 },
    ];
    await clock.advance(1);
    assert.deepEqual([told(), kept.overdue], [['web-1'], 1]);
    for (let looks = 0; looks < 10; looks += 1) await clock.advance(FOLLOWED_EVERY_MS);
    assert.deepEqual([told(), kept.overdue], [['web-1', 'web-2'], 2]);
    inventory.late = [];
    for (let looks = 0; looks < 5; looks += 1) await clock.advance(FOLLOWED_EVERY_MS);
    assert.equal(kept.overdue, 0);
    await stop();
    assert.deepEqual([kept.overdue, kept.ageMs], [undefined, undefined], 'another process says it now');
  });

  it('says nobody is late of what it has not caught up with: who renewed since is not known', async () => {
    const { inventory, clock, kept, told, stop } = scene();
    inventory.behind = 2;
    inventory.late = [{ podName: 'web-1', overdueMs: NOON_MS }];
    await clock.advance(1);
    assert.deepEqual([told(), kept.overdue], [[], undefined]);
    assert.ok((kept.ageMs ?? 0) >= 60_000);
    await clock.advance(30);
    await clock.advance(30);
    assert.deepEqual([told(), kept.overdue], [['web-1'], 1]);
    await stop();
  });

  it('says nobody is late before it is known since when they could come', async () => {
    const { inventory, clock, kept, known, told, stop } = scene();
    inventory.late = [{ podName: 'web-1', overdueMs: NOON_MS }];
    known.excused = undefined;
    for (let looks = 0; looks < 10; looks += 1) await clock.advance(FOLLOWED_EVERY_MS);
    assert.deepEqual([told(), kept.overdue], [[], undefined]);
    known.excused = [];
    for (let looks = 0; looks < 5; looks += 1) await clock.advance(FOLLOWED_EVERY_MS);
    assert.deepEqual([told(), kept.overdue], [['web-1'], 1]);
    await stop();
  });

  it('names of very many some at each look, until all are named', async () => {
    const { inventory, clock, told, stop } = scene();
    inventory.late = Array.from({ length: 2_500 }, (_, index) => ({ podName: `web-${index}`, overdueMs: NOON_MS }));
    await clock.advance(1);
    assert.equal(told().length, 1_000);
    for (let looks = 0; looks < 15; looks += 1) await clock.advance(FOLLOWED_EVERY_MS);
    assert.deepEqual([told().length, new Set(told()).size], [2_500, 2_500]);
    await stop();
  });

  it('learns where identities are for half an hour, and then names each that is where it never was, once', async () => {
    const { inventory, clock, pairs, stop } = scene();
    inventory.pods = ['web-1'];
    await clock.advance(1);
    inventory.pods.push('web-2');
    for (let minutes = 0; minutes < 29; minutes += 1) await clock.advance(60_000);
    assert.deepEqual(pairs(), []);
    for (let looks = 0; looks < 70; looks += 1) await clock.advance(FOLLOWED_EVERY_MS);
    inventory.pods.push('web-3');
    for (let looks = 0; looks < 3; looks += 1) await clock.advance(FOLLOWED_EVERY_MS);
    assert.deepEqual(pairs(), ['web-3']);
    assert.deepEqual(inventory.asked.at(-1), { after: 3, knownUntil: 1 }, 'web-2 came too late to be known');
    await stop();
  });

  it('learns anew where the inventory was made anew, for its numbers are others', async () => {
    const { inventory, clock, pairs, stop } = scene();
    inventory.pods = ['web-1', 'web-2'];
    for (let ms = 0; ms <= KNOWN_AFTER_MS + 60_000; ms += 60_000) await clock.advance(60_000);
    inventory.pods = ['web-1'];
    await clock.advance(FOLLOWED_EVERY_MS);
    inventory.pods.push('web-2');
    await clock.advance(FOLLOWED_EVERY_MS);
    assert.deepEqual(pairs(), []);
    await stop();
  });

  it('says why it cannot be kept, and goes on when it can', async () => {
    const { inventory, clock, kept, stop } = scene();
    inventory.problem = 'the disk is full';
    await clock.advance(FOLLOWED_EVERY_MS);
    assert.match(kept.problem ?? '', /the disk is full/);
    inventory.problem = undefined;
    await clock.advance(5_000);
    assert.equal(kept.problem, undefined);
    await stop();
  });
});
