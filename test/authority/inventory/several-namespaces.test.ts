// The inventory as one sees it who sees some namespaces alone.
import assert from 'node:assert/strict';
import { pageOfNamespaces } from '../../../src/authority/inventory/several-namespaces.ts';
import type { InventoryEntry } from '../../../src/domain/inventory/entry.ts';
import {
  orderOf,
  placeOf,
  type InventoryConditions,
  type InventoryPlace,
} from '../../../src/domain/inventory/question.ts';
import type { Inventory } from '../../../src/ports/inventory/inventory.ts';
import { NEVER } from '../../adapters/storage/sqlite/records.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';

const NAMES = ['bank', 'pay', 'shop'];

/** Each later entry ends earlier. */
function entry(namespace: string, at: number): InventoryEntry {
  return {
    identity: `spiffe://cluster.local/ns/${namespace}/sa/s${at}`,
    cluster: 'east',
    podUid: `uid-${at}`,
    namespace,
    class: 'workload',
    api: 'csr',
    decisionId: `d-${at}`,
    serial: `5e${at}`,
    issuer: 'fedcba9876543210',
    issuedMs: NOON_MS,
    notBeforeMs: NOON_MS,
    notAfterMs: NOON_MS + 10_000 - at,
    renewalMs: NOON_MS + 1,
    overdueMs: NOON_MS + 2,
  };
}

const ALL = Array.from({ length: 30 }, (_, at) => entry(NAMES[at % 3] ?? '', at));

function placed(all: readonly InventoryEntry[], conditions: InventoryConditions) {
  const order = orderOf(conditions);
  const key = (one: InventoryEntry): string => {
    const { atMs = 0, identity } = placeOf(one, order);
    return `${String(atMs).padStart(15, '0')} ${identity}`;
  };
  return { order, key, sorted: all.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)) };
}

/** Looks through so many entries for a page, of whatever namespace where it goes by a moment. */
function inventory(lookedThrough: number, asked: string[] = []): Inventory {
  return {
    page: async ({ conditions, after, limit }) => {
      asked.push(conditions.namespace ?? 'all');
      const { order, key, sorted } = placed(ALL, conditions);
      const byName = order === 'identity' ? sorted.filter((one) => one.namespace === conditions.namespace) : sorted;
      const behind = byName.filter((one) => after === undefined || key(one) > keyOf(after));
      const looked = behind.slice(0, lookedThrough);
      const entries = looked.filter(({ namespace }) => namespace === conditions.namespace).slice(0, limit);
      const last = entries.length === limit ? entries.at(-1) : looked.at(-1);
      const isLast = behind.length <= lookedThrough && entries.length < limit;
      return Promise.resolve({ entries, asOfMs: NOON_MS, ...(!isLast && last && { next: placeOf(last, order) }) });
    },
  };
}

function keyOf({ atMs = 0, identity }: InventoryPlace): string {
  return `${String(atMs).padStart(15, '0')} ${identity}`;
}

async function shown(
  namespaces: readonly string[],
  conditions: InventoryConditions,
  { limit = 4, lookedThrough = 7, asked = [] as string[] } = {},
): Promise<readonly string[]> {
  const found: string[] = [];
  let after: InventoryPlace | undefined;
  do {
    const question = { conditions, limit, nowMs: NOON_MS, excused: [], ...(after && { after }) };
    const page = await pageOfNamespaces(inventory(lookedThrough, asked), question, namespaces, { signal: NEVER });
    assert.ok(page.entries.length <= limit);
    found.push(...page.entries.map(({ identity }) => identity));
    after = page.next;
  } while (after !== undefined);
  return found;
}

function expected(namespaces: readonly string[], conditions: InventoryConditions): readonly string[] {
  const own = ALL.filter(({ namespace = '' }) => namespaces.includes(namespace));
  return placed(own, conditions).sorted.map(({ identity }) => identity);
}

describe('The inventory for who sees some namespaces', () => {
  for (const [order, conditions] of [
    ['by name', {}],
    ['by their ends', { endsBeforeMs: NOON_MS + 1_000_000 }],
  ] as const) {
    it(`has each of its workloads once, ${order}, however pages fall, and nobody else's`, async () => {
      for (const limit of [1, 3, 4, 100]) {
        for (const lookedThrough of [1, 5, 100]) {
          const namespaces = ['shop', 'bank'];
          const found = await shown(namespaces, conditions, { limit, lookedThrough });
          assert.deepEqual(found, expected(namespaces, conditions), `${limit} of ${lookedThrough}`);
        }
      }
    });
  }

  it('is narrowed to one of them, and only that is looked at', async () => {
    const asked: string[] = [];
    assert.deepEqual(await shown(['shop', 'bank'], { namespace: 'shop' }, { asked }), expected(['shop'], {}));
    assert.deepEqual([...new Set(asked)], ['shop']);
  });

  it('refuses another namespace, whatever else is asked', async () => {
    const asked: string[] = [];
    for (const conditions of [{ namespace: 'pay' }, { namespace: 'pay', serial: '5e1' }, { namespace: '' }]) {
      await assert.rejects(shown(['shop'], conditions, { asked }), { reason: 'CAP-O01' });
    }
    assert.deepEqual(asked, []);
  });

  it('has nobody for who sees no namespace', async () => {
    assert.deepEqual(await shown([], {}), []);
  });

  it('is as of when the oldest page is, and of no moment while one is not known', async () => {
    const moments: Record<string, number | undefined> = { bank: 5, shop: 3 };
    const source: Inventory = {
      page: async ({ conditions: { namespace = '' } }) => {
        const asOfMs = moments[namespace];
        return Promise.resolve({ entries: [], ...(asOfMs !== undefined && { asOfMs }) });
      },
    };
    const page = async (namespaces: readonly string[]) =>
      pageOfNamespaces(source, { conditions: {}, limit: 1, nowMs: NOON_MS, excused: [] }, namespaces, {
        signal: NEVER,
      });
    assert.equal((await page(['bank', 'shop'])).asOfMs, 3);
    assert.equal((await page(['bank', 'other'])).asOfMs, undefined);
  });
});
