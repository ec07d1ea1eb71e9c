import assert from 'node:assert/strict';
import { AGAIN_AFTER_MS, LiveWatch, MOST_AHEAD } from '../../../src/authority/drift/live-watch.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { InventoryEntry } from '../../../src/domain/inventory/entry.ts';
import { placeOf } from '../../../src/domain/inventory/question.ts';
import type { LocalPolicy } from '../../../src/domain/policy/documents.ts';
import type { PolicySet } from '../../../src/domain/policy/policy-set.ts';
import type { InventoryQuestion } from '../../../src/ports/inventory/inventory.ts';
import type { DecisionRecord, IssuedRecord } from '../../../src/ports/storage/issuance-journal.ts';
import { FakeClock, settle } from '../../support/fakes/fake-clock.ts';
import { FakeLease } from '../../support/fakes/lease.ts';
import { bundle, clusterWide, local, policySet } from '../../support/policy/policies.ts';

const SOME_PAGES_MS = 5_000;
/** Read, and judged after a rest. */
const FIRST_PAGE_MS = 9;

describe('The watch over live certificates', () => {
  let clock: FakeClock;
  let lease: FakeLease;
  let inForce: PolicySet;
  let live: readonly string[];
  let problem: AuthorityError | undefined;
  let asked: number;
  let behindMs: number;
  let end: AbortController;
  let changed: () => void;
  let watch: LiveWatch<{ readonly revision: string; readonly ids: readonly string[]; readonly gone: number }>;
  let running: Promise<void>;

  const entry = (decisionId: string): InventoryEntry =>
    ({ decisionId, identity: `spiffe://a/${decisionId}`, cluster: 'one', podUid: decisionId }) as InventoryEntry;
  const page = async ({ after, limit, conditions: { namespace = '' } }: InventoryQuestion) => {
    asked += 1;
    if (problem !== undefined) throw problem;
    const entries = live.filter((id) => id.includes(namespace)).map(entry);
    const first = after === undefined ? 0 : entries.findIndex(({ podUid }) => podUid === after.podUid) + 1;
    const some = entries.slice(first, first + limit);
    const last = first + limit < entries.length ? some.at(-1) : undefined;
    return {
      entries: some,
      asOfMs: clock.nowMs() - behindMs,
      ...(last !== undefined && { next: placeOf(last, 'identity') }),
    };
  };
  const issuedBy = async (decisionIds: readonly string[]) =>
    decisionIds.filter((id) => !id.startsWith('gone')).map((decisionId) => ({ decisionId }) as IssuedRecord);
  const review = ({ revision }: PolicySet) => {
    const found = { revision, ids: [] as string[], gone: 0 };
    return {
      add: (record?: DecisionRecord) => {
        if (record === undefined) found.gone += 1;
        else found.ids.push(record.decisionId);
      },
      result: () => ({ ...found, ids: [...found.ids] }),
    };
  };

  beforeEach(async () => {
    [clock, lease, end] = [new FakeClock(), new FakeLease(), new AbortController()];
    [inForce, live, problem, asked, behindMs] = [policySet(), numbered(250), undefined, 0, 0];
    const policies = {
      current: () => inForce,
      policyBundleTimeMs: () => 0,
      onChange: (listener: (change: () => boolean) => void) => (changed = () => listener(() => true)),
    };
    watch = new LiveWatch({
      inventory: { page, endsIn: async () => [live.length] },
      records: { issuedBy },
      policies,
      review,
      lease,
      clock,
    });
    running = watch.run(end);
    await settle();
  });
  afterEach(async () => {
    end.abort();
    await running;
  });

  /** Until the first page is judged. */
  const begin = async (): Promise<void> => {
    lease.give();
    await clock.advance(FIRST_PAGE_MS);
  };

  it('is kept by the process that has the lease alone', async () => {
    await clock.advance(SOME_PAGES_MS);
    assert.deepEqual([watch.seen, asked], [undefined, 0]);
  });

  it('judges all that live, page by page with pauses between', async () => {
    await begin();
    assert.deepEqual([watch.seen!.isComplete, watch.seen!.found.ids.length], [false, 100]);
    await clock.advance(SOME_PAGES_MS);
    assert.deepEqual([watch.seen!.isComplete, watch.seen!.found.ids], [true, live]);
  });

  it('waits for an inventory that does not have yet what was issued before', async () => {
    behindMs = 3_000;
    await begin();
    await clock.advance(2_000);
    assert.equal(watch.seen, undefined);
    await clock.advance(SOME_PAGES_MS);
    assert.equal(watch.seen!.isComplete, true);
  });

  it('judges what several pods hold together once, and counts what is on record no more', async () => {
    live = ['one', 'one', 'gone-1', 'two'];
    await begin();
    const { ids, gone } = watch.seen!.found;
    assert.deepEqual([ids, gone], [['one', 'two'], 1]);
  });

  it('begins again when a policy changes, and after five minutes', async () => {
    await begin();
    await clock.advance(SOME_PAGES_MS);
    inForce = policySet(bundle(), [local()]);
    changed();
    await clock.advance(SOME_PAGES_MS);
    assert.equal(watch.seen!.revision, inForce.revision);
    live = ['new'];
    await clock.advance(AGAIN_AFTER_MS);
    assert.deepEqual(watch.seen!.found.ids, ['new']);
  });

  it('ends a round while local policies change, so that those who change them often hide nothing', async () => {
    await begin();
    const { revision } = inForce;
    inForce = policySet(bundle(), [local()]);
    changed();
    await clock.advance(30);
    assert.deepEqual([watch.seen!.revision, watch.seen!.isComplete], [revision, true]);
    await clock.advance(SOME_PAGES_MS);
    assert.deepEqual([watch.seen!.revision, watch.seen!.isComplete], [inForce.revision, true]);
  });

  it('begins anew at once by another bundle, and shows what it finds as it goes', async () => {
    await begin();
    await clock.advance(SOME_PAGES_MS);
    inForce = policySet(bundle(), [], 'another');
    changed();
    await clock.advance(FIRST_PAGE_MS);
    assert.deepEqual([watch.seen!.revision, watch.seen!.isComplete], [inForce.revision, false]);
  });

  it('says how many of those that live it has gone through', async () => {
    await begin();
    const { revision } = inForce;
    const asOfMs = clock.nowMs() - FIRST_PAGE_MS;
    assert.deepEqual(watch.seen!.progress, { asOfMs, revision, entries: 100, of: 250 });
    await clock.advance(SOME_PAGES_MS);
    assert.equal(watch.seen!.progress, undefined);
  });

  describe('after some namespaces changed their policies', () => {
    const denying = local({ namespace: 'shop', deny: { namespaces: [], serviceAccounts: ['web'] } });
    beforeEach(async () => {
      live = [...numbered(250), 'shop-1', 'shop-2'];
      await begin();
      await clock.advance(SOME_PAGES_MS);
    });
    const change = async (...policies: readonly LocalPolicy[]): Promise<void> => {
      inForce = policySet(bundle(), policies);
      changed();
      await clock.advance(2 * FIRST_PAGE_MS);
    };

    it('judges their certificates ahead of all others, and says whose they are', async () => {
      const { revision } = inForce;
      await change(denying);
      const { ahead, progress, ...whole } = watch.seen!;
      assert.deepEqual([whole.revision, whole.isComplete, whole.found.ids.length], [revision, true, 252]);
      assert.deepEqual(
        [ahead!.namespaces, ahead!.revision, ahead!.isComplete, ahead!.found.ids],
        [['shop'], inForce.revision, true, ['shop-1', 'shop-2']],
      );
      assert.deepEqual([progress!.revision, progress!.entries], [inForce.revision, 100]);
    });

    it('shows them by themselves until all are judged by the same policies', async () => {
      await change(denying);
      await clock.advance(SOME_PAGES_MS);
      assert.deepEqual([watch.seen!.ahead, watch.seen!.revision], [undefined, inForce.revision]);
    });

    it('judges all in turn with them, so that who changes policies again and again keeps nobody from being judged', async () => {
      live = [...numbered(250), ...numbered(5_000).map((id) => `shop-${id}`)];
      await change(denying);
      await clock.advance(500);
      const [{ entries }, { ids }] = [watch.seen!.progress!, watch.seen!.ahead!.found];
      assert.ok(Math.abs(entries - ids.length) <= 100 && entries > 1_000, `${entries} of all, ${ids.length} of shop`);
    });

    it('begins over all again while policies change without end', async () => {
      for (let count = 0; count < 200; count += 1) {
        const serviceAccounts = [`changed-${count}`];
        inForce = policySet(bundle(), [local({ namespace: 'shop', deny: { namespaces: [], serviceAccounts } })]);
        changed();
        await clock.advance(5);
      }
      const ageMs = clock.nowMs() - watch.seen!.asOfMs;
      assert.ok(watch.seen!.isComplete && ageMs < 300, `judged ${ageMs} ms ago`);
    });

    it('says of a policy that was put back no more than of one that never changed', async () => {
      live = [...numbered(5_000), 'shop-1'];
      await change(denying);
      assert.equal(watch.seen!.ahead!.isComplete, true);
      await change();
      assert.equal(watch.seen!.ahead, undefined);
    });

    it('judges what a later change is for as soon as that of the first is over', async () => {
      live = [...numbered(5_000), 'bank-1', 'shop-1'];
      await change(denying);
      await change(denying, local({ namespace: 'bank' }));
      await clock.advance(4 * FIRST_PAGE_MS);
      const { namespaces, revision, found } = watch.seen!.ahead!;
      assert.deepEqual([namespaces, revision, found.ids], [['bank', 'shop'], inForce.revision, ['bank-1', 'shop-1']]);
    });

    it('judges nobody ahead where all are concerned, or too many', async () => {
      live = numbered(5_000);
      await change(clusterWide());
      assert.equal(watch.seen!.ahead, undefined);
      await change(...numbered(MOST_AHEAD + 1).map((namespace) => local({ namespace })));
      assert.equal(watch.seen!.ahead, undefined);
    });
  });

  it('goes on where it was when the store was away', async () => {
    await begin();
    problem = new AuthorityError('CAP-S04', { detail: 'away' });
    await clock.advance(SOME_PAGES_MS);
    problem = undefined;
    await clock.advance(30_000);
    assert.deepEqual([watch.seen!.isComplete, watch.seen!.found.ids], [true, live]);
  });
});

/** In the order of their names. */
function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `d-${String(index).padStart(4, '0')}`);
}
