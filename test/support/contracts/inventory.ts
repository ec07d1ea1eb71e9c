// What every inventory has to do, over whichever store it is derived from. It is long because it is one story for each thing that an
// inventory is asked.
import assert from 'node:assert/strict';
import type { InventoryEntry } from '../../../src/domain/inventory/entry.ts';
import type { InventoryConditions, InventoryPlace } from '../../../src/domain/inventory/question.ts';
import {
  excusedTimes,
  type Barred,
  type ExcusedTime,
  type Interruption,
} from '../../../src/domain/trust/interruption.ts';
import type {
  Inventory,
  InventoryEnds,
  InventoryKeeping,
  InventoryPage,
  NewPairsQuestion,
} from '../../../src/ports/inventory/inventory.ts';
import type { ClosingRecord } from '../../../src/ports/storage/closing-journal.ts';
import type { ProxyNote } from '../../../src/ports/storage/evidence.ts';
import type { DecisionRecord } from '../../../src/ports/storage/issuance-journal.ts';
import { closing, issued, NEVER, refused, traced } from '../../adapters/storage/sqlite/records.ts';
import { NOON_MS } from '../fakes/fake-clock.ts';

/** A store whose records this test writes. */
export interface InventoriedStore {
  readonly inventory: Inventory & InventoryEnds & InventoryKeeping;
  readonly write: (records: {
    readonly decisions?: readonly DecisionRecord[];
    readonly closings?: readonly ClosingRecord[];
    readonly proxies?: readonly ProxyNote[];
  }) => Promise<void>;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SHOP = 'spiffe://cluster.local/ns/shop/sa/web';
const ZTUNNEL = 'spiffe://cluster.local/ns/istio-system/sa/ztunnel';
const WAITING = { signal: NEVER };
/** As the contract's stores are opened. */
export const INVENTORY_SETTINGS = { cluster: 'east', sdsRenewAt: 0.5, retentionMs: 24 * HOUR_MS };

function leaf(pod: string, changes: Parameters<typeof issued>[1] = {}): DecisionRecord {
  const timeMs = changes.timeMs ?? NOON_MS;
  return issued(`${pod}@${timeMs}`, {
    serial: `5e${pod}`,
    caller: SHOP,
    identity: SHOP,
    podName: pod,
    podUid: `uid-${pod}`,
    policy: traced({ subject: SHOP }),
    issuerName: 'prod',
    trustAnchor: 'a1'.repeat(32),
    notBeforeMs: timeMs - MINUTE_MS,
    notAfterMs: timeMs + HOUR_MS,
    ...changes,
  });
}

/** As if it had never been recorded. */
function without(record: DecisionRecord, ...fields: readonly string[]): DecisionRecord {
  return Object.fromEntries(
    Object.entries(record).filter(([field]) => !fields.includes(field)),
  ) as unknown as DecisionRecord;
}

const PAGED: readonly InventoryConditions[] = [{}, { namespace: 'shop' }, { endsBeforeMs: NOON_MS + 2 * HOUR_MS }];

export function inventoryContract(open: () => Promise<InventoriedStore & AsyncDisposable>): void {
  let store: InventoriedStore & AsyncDisposable;
  let nowMs: number;
  let excused: readonly ExcusedTime[];

  beforeEach(async () => {
    store = await open();
    nowMs = NOON_MS;
    excused = [];
  });
  afterEach(async () => store[Symbol.asyncDispose]());

  async function followed(): Promise<void> {
    while (!(await store.inventory.follow({ nowMs }, WAITING)).isCurrent);
  }

  async function found(conditions: InventoryConditions = {}, limit = 100): Promise<readonly InventoryEntry[]> {
    const { entries } = await store.inventory.page({ conditions, limit, nowMs, excused }, WAITING);
    return entries;
  }

  const late = async () => store.inventory.overdue({ nowMs, excused, limit: 10 }, WAITING);
  async function lateNames(): Promise<unknown> {
    const { entries, count } = await late();
    return [entries.map(({ podName }) => podName), count];
  }

  async function names(conditions: InventoryConditions = {}): Promise<readonly (string | undefined)[]> {
    return (await found(conditions)).map(({ podName, identity }) => podName ?? identity);
  }

  it('counts how many certificates end in which step, of those that live', async () => {
    const until = (pod: string, ms: number): DecisionRecord => leaf(pod, { notAfterMs: NOON_MS + ms });
    await store.write({
      decisions: [
        ...[
          until('a', 1),
          until('b', HOUR_MS - 1),
          until('c', HOUR_MS),
          until('d', 3 * HOUR_MS),
          until('e', 900 * HOUR_MS),
        ],
        ...[until('over', MINUTE_MS), until('gone', 90 * MINUTE_MS)],
      ],
      closings: [closing('uid-gone', { identity: SHOP, namespace: 'shop', podName: 'gone' })],
    });
    await followed();
    const question = { fromMs: NOON_MS, stepMs: HOUR_MS, steps: 3 };
    assert.deepEqual(await store.inventory.endsIn({ ...question, nowMs: NOON_MS }, WAITING), [3, 1, 0, 2]);
    // An end that is over is none, also before it was taken note of.
    assert.deepEqual(await store.inventory.endsIn({ ...question, nowMs: NOON_MS + MINUTE_MS }, WAITING), [1, 1, 0, 2]);
    nowMs = NOON_MS + 1_000 * HOUR_MS;
    await followed();
    assert.deepEqual(await store.inventory.endsIn({ ...question, nowMs }, WAITING), [0, 0, 0, 0]);
  });

  it('knows nothing, and not as of when, before it has read anything', async () => {
    const { entries, asOfMs } = await store.inventory.page({ conditions: {}, limit: 10, nowMs, excused: [] }, WAITING);
    assert.deepEqual([entries, asOfMs], [[], undefined]);
  });

  it('has whoever has a certificate, with all that is known of it, and says as of when', async () => {
    await store.write({ decisions: [leaf('web-1'), refused('no')] });
    await followed();
    const { entries, asOfMs, next } = await store.inventory.page(
      { conditions: {}, limit: 10, nowMs, excused: [] },
      WAITING,
    );
    assert.deepEqual([asOfMs, next], [NOON_MS, undefined]);
    assert.deepEqual(entries, [
      {
        identity: SHOP,
        cluster: 'east',
        podUid: 'uid-web-1',
        class: 'workload',
        namespace: 'shop',
        podName: 'web-1',
        nodeName: 'node-1',
        api: 'csr',
        authenticationMethod: 'token',
        decisionId: `web-1@${NOON_MS}`,
        serial: '5eweb-1',
        issuer: 'fedcba9876543210',
        issuerName: 'prod',
        trustAnchor: 'a1'.repeat(32),
        policyRevision: '0123456789abcdef',
        issuedMs: NOON_MS,
        notBeforeMs: NOON_MS - MINUTE_MS,
        notAfterMs: NOON_MS + HOUR_MS,
        renewalMs: NOON_MS + HOUR_MS / 2,
        overdueMs: NOON_MS + (HOUR_MS * 3) / 4,
      },
    ]);
  });

  it('has the newest certificate of each pod, and finds a pod by an older one that lives', async () => {
    const second = { timeMs: NOON_MS + 30 * MINUTE_MS, serial: '5e02' };
    await store.write({ decisions: [leaf('web-1'), leaf('web-2')] });
    await followed();
    nowMs += 30 * MINUTE_MS;
    await store.write({ decisions: [leaf('web-1', second)] });
    await followed();
    assert.deepEqual(
      (await found()).map(({ podName, serial }) => [podName, serial]),
      [
        ['web-1', '5e02'],
        ['web-2', '5eweb-2'],
      ],
    );
    assert.deepEqual(await names({ serial: '5eweb-1' }), ['web-1']);
    assert.deepEqual(await names({ serial: '5e02' }), ['web-1']);
    nowMs += 31 * MINUTE_MS;
    await followed();
    assert.deepEqual(await names({ serial: '5eweb-1' }), [], 'it is over');
  });

  it('is told apart by cluster, also where older records name none', async () => {
    const unnamed = without(leaf('web-1'), 'cluster');
    const west = leaf('web-1', { timeMs: NOON_MS + 1, cluster: 'west', remoteCluster: 'west', podUid: 'uid-web-1' });
    await store.write({ decisions: [unnamed, west] });
    await followed();
    assert.deepEqual(
      (await found()).map(({ cluster }) => cluster),
      ['east', 'west'],
    );
    assert.deepEqual((await found({ cluster: 'west' })).length, 1);
  });

  it('has what a node proxy holds as entries of the pods that it is for', async () => {
    const relayed = traced({
      subject: SHOP,
      podNames: [
        { name: 'web-1', uid: 'uid-web-1' },
        { name: 'web-2', uid: 'uid-web-2' },
      ],
    });
    await store.write({ decisions: [leaf('zt', { caller: ZTUNNEL, policy: relayed, attestation: {} })] });
    await followed();
    assert.deepEqual(
      (await found()).map(({ podName, podUid, relay, nodeName }) => [podName, podUid, relay, nodeName]),
      [
        ['web-1', 'uid-web-1', ZTUNNEL, 'node-1'],
        ['web-2', 'uid-web-2', ZTUNNEL, 'node-1'],
      ],
    );
  });

  it("has the server's own certificates, gateways and holders without a pod", async () => {
    const gateway = leaf('gw', { policy: traced({ class: 'gateway' }) });
    const own = leaf('self', { timeMs: NOON_MS + 1, api: 'self', identity: 'capstan.istio-system.svc' });
    const self = without(own, 'caller', 'podName', 'podUid', 'nodeName', 'policy');
    await store.write({ decisions: [gateway, self] });
    await followed();
    assert.deepEqual(
      (await found()).map(({ identity, class: kind, podUid }) => [identity, kind, podUid]),
      [
        ['capstan.istio-system.svc', 'self', undefined],
        [SHOP, 'gateway', 'uid-gw'],
      ],
    );
  });

  it('has a pod that lives five seconds: it appears, and it ends', async () => {
    await store.write({ decisions: [leaf('web-1')] });
    await followed();
    assert.deepEqual(await names(), ['web-1']);
    nowMs += 5_000;
    await store.write({
      closings: [closing('uid-web-1', { timeMs: nowMs, identity: SHOP, namespace: 'shop', podName: 'web-1' })],
    });
    await followed();
    assert.deepEqual(await names(), []);
    const [ended] = await found({ state: 'ended' });
    assert.deepEqual([ended?.podName, ended?.end], ['web-1', { reason: 'pod_deleted', atMs: nowMs }]);
    assert.deepEqual(await names({ podName: 'web-1' }), ['web-1'], 'who asks for one finds it also when it has ended');
  });

  it('takes a pod for gone also where its end is read before its last certificate', async () => {
    await store.write({ closings: [closing('uid-web-1', { identity: SHOP, namespace: 'shop' })] });
    await followed();
    await store.write({ decisions: [leaf('web-1', { timeMs: NOON_MS + 500 })] });
    await followed();
    assert.deepEqual(await names(), []);
    const [ended] = await found({ state: 'ended' });
    assert.deepEqual([ended?.serial, ended?.end?.reason], ['5eweb-1', 'pod_deleted']);
  });

  it('has a pod again whose account was made anew and that enrolled since', async () => {
    const recreated = closing('uid-web-1', {
      identity: SHOP,
      timeMs: NOON_MS + 1_000,
      reason: 'service_account_recreated',
    });
    await store.write({ decisions: [leaf('web-1')], closings: [recreated] });
    await followed();
    assert.deepEqual(await names(), []);
    await store.write({ decisions: [leaf('web-1', { timeMs: NOON_MS + 2_000, serial: '5e02' })] });
    await followed();
    assert.deepEqual(await names(), ['web-1']);
  });

  it('ends what nobody renews, and has it again when it is', async () => {
    await store.write({ decisions: [leaf('web-1')] });
    await followed();
    nowMs += HOUR_MS;
    await followed();
    const [ended] = await found({ state: 'ended' });
    assert.deepEqual(ended?.end, { reason: 'expired', atMs: NOON_MS + HOUR_MS });
    await store.write({ decisions: [leaf('web-1', { timeMs: nowMs, serial: '5e02' })] });
    await followed();
    assert.deepEqual(await names(), ['web-1']);
  });

  it('forgets what has ended with its records', async () => {
    await store.write({ decisions: [leaf('web-1')] });
    await followed();
    nowMs += HOUR_MS;
    await followed();
    nowMs += INVENTORY_SETTINGS.retentionMs + 1;
    await followed();
    assert.deepEqual(await names({ podName: 'web-1' }), []);
  });

  it('says who is late, each once, who was late first in front; and how many are', async () => {
    await store.write({
      decisions: [
        leaf('web-2', { timeMs: NOON_MS + MINUTE_MS }),
        leaf('web-1'),
        leaf('web-3', { timeMs: NOON_MS + 40 * MINUTE_MS }),
      ],
    });
    nowMs = NOON_MS + 50 * MINUTE_MS;
    await followed();
    const [first, ...others] = (await late()).entries;
    assert.deepEqual([first?.podName, others.map(({ podName }) => podName)], ['web-1', ['web-2']]);
    await store.inventory.reportedOverdue([first ?? assert.fail()], WAITING);
    assert.deepEqual(await lateNames(), [['web-2'], 2]);
    await store.inventory.reportedOverdue(others, WAITING);
    assert.deepEqual(await lateNames(), [[], 2]);
    assert.deepEqual(await names({ state: 'overdue' }), ['web-1', 'web-2']);
    assert.deepEqual(await names({ state: 'live' }), ['web-3']);
    assert.deepEqual(await names({ endsBeforeMs: NOON_MS + 61 * MINUTE_MS }), ['web-1']);
  });

  it('calls nobody late for time in which nothing could be issued to it, and says who is silent afterwards', async () => {
    const west = { cluster: 'west', remoteCluster: 'west' };
    await store.write({
      decisions: [
        leaf('early', { timeMs: NOON_MS - 20 * MINUTE_MS }),
        leaf('web-1'),
        leaf('web-2', { timeMs: NOON_MS + 1, issuerName: 'other' }),
        leaf('web-3', { timeMs: NOON_MS + 2, ...west }),
        leaf('web-4', { timeMs: NOON_MS + 3, ...west, issuerName: 'other' }),
      ],
    });
    const out = (from: number, to: number, barred: Barred = {}) => ({
      fromMs: NOON_MS + from * MINUTE_MS,
      toMs: NOON_MS + to * MINUTE_MS,
      barred,
    });
    const at = async (minutes: number, ...interruptions: readonly Interruption[]) => {
      nowMs = NOON_MS + minutes * MINUTE_MS;
      excused = excusedTimes(interruptions, { cluster: 'east' });
      await followed();
      const [listed, renewing] = [await names({ state: 'overdue' }), await names({ state: 'renewing' })];
      const { count } = await late();
      assert.equal(count, listed.length);
      return [listed, renewing];
    };
    const all = ['web-1', 'web-2', 'web-3', 'web-4'];
    const some = (...numbers: readonly number[]) => numbers.map((number) => `web-${number}`);
    assert.deepEqual(await at(39, out(38, 39)), [['early'], all], 'who was late before it is');
    assert.deepEqual(await at(50, out(40, 50)), [[], all], 'nobody in an outage of all');
    assert.deepEqual(await at(50, out(40, 50, { issuer: 'prod' })), [some(2, 4), some(1, 3)]);
    assert.deepEqual(await at(50, out(40, 50, { cluster: 'west' })), [some(1, 2), some(3, 4)]);
    assert.deepEqual(await at(50, out(40, 50, { cluster: '' })), [some(3, 4), some(1, 2)]);
    const both = [out(40, 43, { issuer: 'prod' }), out(43, 46, { cluster: 'west' })];
    assert.deepEqual(await at(50, ...both), [some(1, 2, 4), some(3)], 'of which either takes too little for one');
    assert.deepEqual(await at(50, out(0, 30)), [all, []], 'before it was due nobody would have come');
    assert.deepEqual(await at(51, out(40, 47)), [[], all], 'as long as ever after it');
    assert.deepEqual(await at(53, out(40, 47)), [all, []]);
  });

  it('names who ran out when nothing could be issued and does not come, once, and nobody who is gone or back', async () => {
    await store.write({ decisions: [leaf('silent'), leaf('back'), leaf('gone')] });
    await followed();
    const until = (minutes: number): void => {
      nowMs = NOON_MS + minutes * MINUTE_MS;
      const toMs = Math.min(nowMs, NOON_MS + 120 * MINUTE_MS);
      excused = excusedTimes([{ fromMs: NOON_MS + 40 * MINUTE_MS, toMs, barred: {} }], { cluster: 'east' });
    };
    until(120);
    await followed();
    assert.deepEqual(await lateNames(), [[], 0]);
    const closed = { timeMs: nowMs, identity: SHOP, namespace: 'shop', podName: 'gone' };
    await store.write({
      decisions: [leaf('back', { timeMs: nowMs, serial: '5e02' })],
      closings: [closing('uid-gone', closed)],
    });
    until(124);
    await followed();
    assert.deepEqual(await lateNames(), [[], 0]);
    until(126);
    await followed();
    assert.deepEqual(await lateNames(), [['silent'], 0], 'it has no certificate any more');
    await store.inventory.reportedOverdue((await late()).entries, WAITING);
    assert.deepEqual(await lateNames(), [[], 0]);
  });

  it('says who is the first of its identity on its node, where both are known, each once', async () => {
    const API = 'spiffe://cluster.local/ns/bank/sa/api';
    const api = { caller: API, identity: API };
    const at = (node: string, changes: Parameters<typeof leaf>[1] = {}) => ({ nodeName: node, ...changes });
    await store.write({ decisions: [leaf('web-1', at('node-1')), leaf('api-1', at('node-2', api))] });
    await followed();
    const newPairs = async (question: NewPairsQuestion) => store.inventory.newPairs(question, WAITING);
    const { entries, upTo: known } = await newPairs({ knownUntil: 0 });
    assert.deepEqual(entries, [], 'who was there is learned');
    const later = [
      leaf('web-2', at('node-1', { timeMs: NOON_MS + 1 })),
      leaf('web-3', at('node-2', { timeMs: NOON_MS + 2 })),
      leaf('web-4', at('node-2', { timeMs: NOON_MS + 3 })),
      leaf('web-5', at('node-3', { timeMs: NOON_MS + 4 })),
      leaf('new-1', at('node-1', { timeMs: NOON_MS + 5, caller: `${API}2`, identity: `${API}2` })),
      leaf('new-2', at('node-2', { timeMs: NOON_MS + 6, caller: `${API}2`, identity: `${API}2` })),
      leaf('web-6', at('node-2', { timeMs: NOON_MS + 7, cluster: 'west', remoteCluster: 'west' })),
      leaf('web-1', at('node-1', { timeMs: NOON_MS + 8, serial: '5e99' })),
    ];
    for (const decision of later) {
      await store.write({ decisions: [decision] });
      await followed();
    }
    const learning = await newPairs({ after: known, knownUntil: 0 });
    assert.deepEqual(learning.entries, []);
    const found = await newPairs({ after: known, knownUntil: known });
    assert.deepEqual(
      found.entries.map(({ podName, nodeName, identity }) => [podName, nodeName, identity]),
      [['web-3', 'node-2', SHOP]],
      'no second one there, no new node, no new identity, no other cluster, no renewal',
    );
    assert.deepEqual(await newPairs({ after: found.upTo, knownUntil: known }), {
      entries: [],
      upTo: found.upTo,
    });
  });

  it('takes a node for known to an identity also where its pod there has ended', async () => {
    const other = leaf('api-1', { nodeName: 'node-2', caller: `${SHOP}2`, identity: `${SHOP}2` });
    await store.write({
      decisions: [leaf('web-1'), other, leaf('web-2', { timeMs: NOON_MS + 1, nodeName: 'node-2' })],
    });
    await followed();
    const closed = closing('uid-web-2', { identity: SHOP, namespace: 'shop', nodeName: 'node-2', timeMs: NOON_MS + 2 });
    await store.write({ closings: [closed] });
    await followed();
    const { upTo } = await store.inventory.newPairs({ knownUntil: 0 }, WAITING);
    await store.write({ decisions: [leaf('web-3', { timeMs: NOON_MS + 3, nodeName: 'node-2' })] });
    await followed();
    const found = await store.inventory.newPairs({ after: upTo, knownUntil: upTo }, WAITING);
    assert.deepEqual(found.entries, []);
    assert.ok(found.upTo > upTo);
  });

  it('looks at so many new entries at once, and at the others after them', async () => {
    const pods = Array.from({ length: 250 }, (_, n) =>
      leaf(`web-${n}`, { timeMs: NOON_MS + n + 2, nodeName: `n-${n}` }),
    );
    const nodes = Array.from({ length: 250 }, (_, n) =>
      leaf(`api-${n}`, { timeMs: NOON_MS + 1, nodeName: `n-${n}`, caller: `${SHOP}2`, identity: `${SHOP}2` }),
    );
    await store.write({ decisions: [leaf('web'), ...nodes] });
    await followed();
    const { upTo: known } = await store.inventory.newPairs({ knownUntil: 0 }, WAITING);
    await store.write({ decisions: pods });
    await followed();
    const first = await store.inventory.newPairs({ after: known, knownUntil: known }, WAITING);
    const second = await store.inventory.newPairs({ after: first.upTo, knownUntil: known }, WAITING);
    assert.deepEqual([first.entries.length, second.entries.length], [200, 50]);
    assert.equal(second.entries.at(-1)?.podName, 'web-249');
  });

  it('is found by each condition, and by all of them together', async () => {
    const other = leaf('api-1', {
      timeMs: NOON_MS + 1,
      caller: 'spiffe://cluster.local/ns/bank/sa/api',
      identity: 'spiffe://cluster.local/ns/bank/sa/api',
      nodeName: 'node-2',
      issuer: '00ff00ff00ff00ff',
      issuerName: 'next',
      trustAnchor: 'b2'.repeat(32),
      policyRevision: 'fedc',
    });
    await store.write({ decisions: [leaf('web-1'), other] });
    await followed();
    const conditions: InventoryConditions = {
      identity: 'spiffe://cluster.local/ns/bank/sa/api',
      serial: '5eapi-1',
      podName: 'api-1',
      podUid: 'uid-api-1',
      nodeName: 'node-2',
      namespace: 'bank',
      issuer: '00ff00ff00ff00ff',
      issuerName: 'next',
      trustAnchor: 'b2'.repeat(32),
      policyRevision: 'fedc',
      state: 'live',
      cluster: 'east',
      endsBeforeMs: NOON_MS + 2 * HOUR_MS,
    };
    assert.deepEqual(await names(conditions), ['api-1']);
    for (const [name, value] of Object.entries({ ...conditions })) {
      const both = ['state', 'cluster', 'endsBeforeMs'].includes(name);
      const alone = (await names({ [name]: value })).toSorted();
      assert.deepEqual(alone, both ? ['api-1', 'web-1'] : ['api-1'], name);
    }
    assert.deepEqual(await names({ ...conditions, nodeName: 'node-1' }), []);
  });

  it('goes on from page to page, without a gap and without the same twice, whatever comes and goes meanwhile', async () => {
    const pods = Array.from({ length: 25 }, (_, index) => `web-${String(index).padStart(2, '0')}`);
    await store.write({ decisions: pods.map((pod, index) => leaf(pod, { timeMs: NOON_MS + index })) });
    await followed();
    for (const conditions of PAGED) {
      const seen: (string | undefined)[] = [];
      let after: InventoryPlace | undefined;
      do {
        const page: InventoryPage = await store.inventory.page(
          { conditions, limit: 10, nowMs, excused, ...(after && { after }) },
          WAITING,
        );
        seen.push(...page.entries.map(({ podName }) => podName));
        after = page.next;
      } while (after !== undefined);
      assert.deepEqual(seen, pods);
    }
  });

  it('takes words of others for what they are', async () => {
    const hostile = `'; DROP TABLE inventory_entries; --<script>\u202e${'x'.repeat(2_000)}`;
    await store.write({ decisions: [leaf('web-1', { podName: hostile, nodeName: '%_' })] });
    await followed();
    assert.deepEqual(await names({ podName: hostile }), [hostile]);
    assert.deepEqual(await names({ nodeName: '%' }), []);
    assert.deepEqual(await names({ nodeName: '%_' }), [hostile]);
    assert.deepEqual(await names({ namespace: "' OR '1' = '1" }), []);
  });

  it('says which trust bundle its proxies acknowledged last', async () => {
    const note = { identity: SHOP, podUid: 'uid-web-1', seenMs: NOON_MS };
    await store.write({
      decisions: [leaf('web-1'), leaf('web-2')],
      proxies: [
        { ...note, proxy: 'a', bundle: 'old', timeMs: NOON_MS - 2 },
        { ...note, proxy: 'b', bundle: 'new', timeMs: NOON_MS - 1 },
        { ...note, proxy: 'c', timeMs: NOON_MS },
      ],
    });
    await followed();
    assert.deepEqual(
      (await found()).map(({ acknowledged }) => acknowledged),
      [{ digest: 'new', timeMs: NOON_MS - 1 }, undefined],
    );
    const question = { conditions: {}, limit: 100, nowMs, excused, acknowledged: false };
    const { entries } = await store.inventory.page(question, WAITING);
    assert.deepEqual(
      entries.map(({ podName, acknowledged }) => [podName, acknowledged]),
      [
        ['web-1', undefined],
        ['web-2', undefined],
      ],
    );
  });
}
