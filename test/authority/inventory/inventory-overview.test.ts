import assert from 'node:assert/strict';
import { inventoryOverview } from '../../../src/authority/inventory/inventory-overview.ts';
import type { InventoryEntry } from '../../../src/domain/inventory/entry.ts';
import { placeOf, type InventoryConditions, type InventoryPlace } from '../../../src/domain/inventory/question.ts';
import type { Ban, BanTarget } from '../../../src/domain/revocation/ban.ts';
import type { Inventory } from '../../../src/ports/inventory/inventory.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';
import { NEVER } from '../../adapters/storage/sqlite/records.ts';

const HOUR_MS = 3_600_000;

function entry(name: string, changes: Partial<InventoryEntry> = {}): InventoryEntry {
  return {
    identity: `spiffe://cluster.local/ns/${name}/sa/web`,
    cluster: 'east',
    nodeName: `node-of-${name}`,
    class: 'workload',
    api: 'csr',
    decisionId: `d-${name}`,
    proofId: `d-${name}`,
    serial: `5e-${name}`,
    issuer: 'fedcba9876543210',
    issuedMs: NOON_MS - 1_000,
    notBeforeMs: NOON_MS - 1_000,
    notAfterMs: NOON_MS + HOUR_MS,
    renewalMs: NOON_MS + HOUR_MS / 2,
    overdueMs: NOON_MS + (HOUR_MS * 3) / 4,
    ...changes,
  };
}

function ban(target: BanTarget): Ban {
  const by = { timeMs: NOON_MS, actor: 'local', role: 'security', reason: 'a drill' };
  return { id: 'a'.repeat(16), target, leavesUntilMs: NOON_MS + HOUR_MS, ...by };
}

async function shown(targets: readonly BanTarget[], conditions: InventoryConditions = {}) {
  const entries = [
    entry('shop'),
    entry('bank'),
    entry('bank', { cluster: 'west' }),
    entry('gone', { end: { reason: 'pod_deleted', atMs: NOON_MS } }),
  ];
  const inventory: Inventory = { page: async () => Promise.resolve({ entries, asOfMs: NOON_MS - 5 }) };
  const bans = { current: () => ({ bans: targets.map(ban), pending: [] }) };
  const parts = { inventory, bans, clock: new FakeClock(), excused: () => [] };
  const request = { conditions, limit: 10 };
  const { rows, asOfMs } = await inventoryOverview(parts, { cluster: 'east' }, request, { signal: NEVER });
  assert.equal(asOfMs, NOON_MS - 5);
  return rows.map(({ identity, cluster, state }) => `${/ns\/(\w+)/.exec(identity)?.[1] ?? ''} ${cluster} ${state}`);
}

describe('The inventory as operators see it', () => {
  it('tells the state of each', async () => {
    assert.deepEqual(await shown([]), ['shop east live', 'bank east live', 'bank west live', 'gone east ended']);
  });

  it('shows whose certificate a ban has revoked, in the cluster that it is for', async () => {
    assert.deepEqual(await shown([{ kind: 'namespace', namespace: 'bank', cluster: 'west' }]), [
      'shop east live',
      'bank east live',
      'bank west revoked',
      'gone east ended',
    ]);
    const node: BanTarget = { kind: 'node', node: 'node-of-shop', cluster: '' };
    assert.equal((await shown([node]))[0], 'shop east revoked');
    const serial: BanTarget = {
      kind: 'serial',
      serial: '5e-shop',
      identity: entry('shop').identity,
      proofId: 'd-shop',
    };
    assert.equal((await shown([serial]))[0], 'shop east revoked');
  });

  it('goes on behind pages on which nobody is revoked, so far and no further, and leaves nobody out', async () => {
    const [each, revoked] = [1_000, [3_500, 3_501, 3_502, 19_999]];
    const name = (at: number): string => `n${String(at).padStart(5, '0')}`;
    let asked = 0;
    const inventory: Inventory = {
      page: async ({ after, limit }) => {
        asked += 1;
        assert.equal(limit, each);
        const from = after === undefined ? 0 : Number(/n(\d+)/.exec(after.identity)?.[1]) + 1;
        const entries = Array.from({ length: each }, (_, at) => entry(name(from + at)));
        const isLast = from + each >= 20_000;
        return Promise.resolve({
          entries,
          asOfMs: NOON_MS,
          ...(!isLast && { next: placeOf(entries.at(-1)!, 'identity') }),
        });
      },
    };
    const bans = {
      current: () => ({ bans: revoked.map((at) => ban({ kind: 'namespace', namespace: name(at) })), pending: [] }),
    };
    const parts = { inventory, bans, clock: new FakeClock(), excused: () => [] };
    const pageAfter = async (after?: InventoryPlace) => {
      asked = 0;
      const request = { conditions: { state: 'revoked' }, limit: 2, ...(after && { after }) } as const;
      const { rows, next } = await inventoryOverview(parts, { cluster: 'east' }, request, { signal: NEVER });
      return { found: rows.map(({ serial }) => serial), next, asked };
    };
    const first = await pageAfter();
    assert.deepEqual([first.found, first.asked], [['5e-n03500', '5e-n03501'], 4]);
    const second = await pageAfter(first.next);
    assert.deepEqual([second.found, second.asked], [['5e-n03502'], 1]);
    const third = await pageAfter(second.next);
    assert.deepEqual([third.found, third.asked, third.next !== undefined], [[], 10, true]);
    const fourth = await pageAfter(third.next);
    assert.deepEqual([fourth.found, fourth.next], [['5e-n19999'], undefined]);
  });

  it('looks through nothing for who is revoked where there is no ban', async () => {
    const asked: number[] = [];
    const entries = [entry('shop')];
    const inventory: Inventory = {
      page: async ({ limit }) => {
        asked.push(limit);
        return Promise.resolve({ entries, asOfMs: NOON_MS, next: placeOf(entries[0]!, 'identity') });
      },
    };
    const bans = { current: () => ({ bans: [], pending: [] }) };
    const parts = { inventory, bans, clock: new FakeClock(), excused: () => [] };
    const request = { conditions: { state: 'revoked' }, limit: 100 } as const;
    const found = await inventoryOverview(parts, { cluster: 'east' }, request, { signal: NEVER });
    assert.deepEqual(found, { nowMs: NOON_MS, asOfMs: NOON_MS, rows: [] });
    assert.deepEqual(asked, [1]);
    // Whose namespace it is not may not ask either.
    const ofTeam = { ...request, conditions: { ...request.conditions, namespace: 'bank' }, namespaces: ['shop'] };
    await assert.rejects(inventoryOverview(parts, { cluster: 'east' }, ofTeam, { signal: NEVER }), /CAP-O01/);
  });

  it('finds what is revoked, and takes it for nothing else', async () => {
    const bank: BanTarget = { kind: 'namespace', namespace: 'bank' };
    assert.deepEqual(await shown([bank], { state: 'revoked' }), ['bank east revoked', 'bank west revoked']);
    assert.deepEqual(await shown([bank], { state: 'live' }), ['shop east live']);
  });
});
