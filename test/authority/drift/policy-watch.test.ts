import assert from 'node:assert/strict';
import {
  LOOKED_EVERY_MS,
  PolicyWatch,
  READ_WITHIN_MS,
  SETTLED_AFTER_MS,
} from '../../../src/authority/drift/policy-watch.ts';
import type { LocalPolicy } from '../../../src/domain/policy/documents.ts';
import type { KnownPolicy } from '../../../src/domain/policy/history/policy-drift.ts';
import type { PolicySet } from '../../../src/domain/policy/policy-set.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { PoliciesKept } from '../../../src/ports/policy/expected-policies.ts';
import { FakeClock, NOON_MS, settle } from '../../support/fakes/fake-clock.ts';
import { recordEvents, type RecordedEvents } from '../../support/fakes/recorded-events.ts';
import { bundle, local, policySet } from '../../support/policy/policies.ts';

const [FIRST, SECOND] = ['a1'.repeat(20), 'b2'.repeat(20)];
const TITLE = 'IssuancePolicy shop/web';
const BUNDLE: KnownPolicy = { document: bundle(), digest: 'd1' };

const known = (document: LocalPolicy): KnownPolicy => ({ document, digest: JSON.stringify(document) });
const web = (contact: string): LocalPolicy => local({ name: 'web', contact });
const kept = (gitRevision: string, ...policies: readonly LocalPolicy[]): PoliciesKept => ({
  policies: [BUNDLE, ...policies.map(known)],
  gitRevision,
});
const setOf = (...policies: readonly LocalPolicy[]): PolicySet => policySet(bundle(), policies);

describe('The watch over the policies in force', () => {
  let clock: FakeClock;
  let events: RecordedEvents;
  let inForce: PolicySet;
  let checkout: PoliciesKept | AuthorityError;
  let end: AbortController;
  let changed: () => void;
  let running: Promise<void>;
  let reads: number;
  let stalled: Promise<undefined> | undefined;

  const begin = async (settings: { readonly bundleDigest?: string } = {}): Promise<PolicyWatch> => {
    const policies = {
      current: () => inForce,
      policyBundleTimeMs: () => NOON_MS,
      onChange: (listener: (change: () => boolean) => void) => (changed = () => listener(() => true)),
    };
    const read = async (): Promise<PoliciesKept> => {
      reads += 1;
      await stalled;
      if (checkout instanceof AuthorityError) throw checkout;
      return checkout;
    };
    const expected = { read, onChange: () => undefined };
    const watch = new PolicyWatch({ policies, expected, clock, events }, settings);
    running = watch.run(end);
    await settle();
    return watch;
  };
  /** As a change that is seen at once. */
  const edit = async (set: PolicySet): Promise<void> => {
    inForce = set;
    changed();
    await settle();
    await clock.advance(SETTLED_AFTER_MS);
  };

  beforeEach(() => {
    [clock, events, end] = [new FakeClock(NOON_MS), recordEvents(), new AbortController()];
    [reads, stalled] = [0, undefined];
    inForce = setOf(web('#shop'));
    checkout = kept(FIRST, web('#shop'));
  });
  afterEach(async () => {
    end.abort();
    await running;
  });

  it('says nothing while they are those of the checkout, and names its commit', async () => {
    const watch = await begin();
    assert.deepEqual(watch.seen, { asOfMs: NOON_MS, gitRevision: FIRST, gitRevisionInForce: FIRST, drifts: [] });
    assert.deepEqual(events.log, []);
  });

  it('says that a checkout on a file system that stalls is not read, still tells of hand edits, and begins no second reading', async () => {
    const watch = await begin();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    stalled = promise;
    await clock.advance(LOOKED_EVERY_MS);
    const before = reads;
    await clock.advance(READ_WITHIN_MS);
    assert.match(watch.seen!.problem!, /reading it takes more than 40 s/);
    await edit(setOf(web('#somebody')));
    await clock.advance(1_000);
    assert.deepEqual(
      watch.seen!.drifts.map(({ drift }) => drift),
      ['different'],
    );
    assert.equal(reads, before);
    resolve(undefined);
    stalled = undefined;
    await settle();
    await clock.advance(LOOKED_EVERY_MS);
    assert.equal(watch.seen!.problem, undefined);
  });

  it('tells of a hand edit once, with what it changed, and that it is over', async () => {
    const watch = await begin();
    await edit(setOf(web('#somebody')));
    const [drift] = watch.seen!.drifts;
    assert.equal(drift!.drift, 'different');
    assert.deepEqual(
      drift!.fields!.map(({ field, before, after }) => [field, before, after]),
      [['spec.contact', '#somebody', '#shop']],
    );
    await clock.advance(10 * LOOKED_EVERY_MS);
    const { revision } = inForce;
    assert.deepEqual(events.of('policyDrifted'), [{ policy: TITLE, drift: 'different', revision, gitRevision: FIRST }]);
    await edit(setOf(web('#shop')));
    assert.equal(events.of('policyDriftOver').length, 1);
  });

  it('tells again of a policy that is edited in another way, and of each that came or went', async () => {
    await begin();
    await edit(setOf(web('#somebody')));
    await edit(setOf(web('#anybody')));
    await edit(setOf());
    await edit(setOf(web('#shop'), local({ name: 'own' })));
    assert.deepEqual(
      events.of('policyDrifted').map(({ policy, drift }) => `${policy as string} ${drift as string}`),
      [`${TITLE} different`, `${TITLE} different`, `${TITLE} extra`, 'IssuancePolicy shop/own missing'],
    );
  });

  it('looks once at what is changed together', async () => {
    const watch = await begin();
    const next = [web('#new'), local({ name: 'api' })];
    checkout = kept(SECOND, ...next);
    inForce = setOf(web('#new'));
    changed();
    await settle();
    await clock.advance(SETTLED_AFTER_MS / 2);
    inForce = setOf(...next);
    changed();
    await settle();
    await clock.advance(SETTLED_AFTER_MS);
    assert.deepEqual([events.log, watch.seen!.drifts], [[], []]);
  });

  it('tells of what was in force for a moment and was put back: a certificate may have been issued by it', async () => {
    const watch = await begin();
    const asKept = inForce;
    for (const set of [setOf(web('#somebody')), setOf(), asKept]) {
      inForce = set;
      changed();
      await settle();
      await clock.advance(10);
    }
    await clock.advance(SETTLED_AFTER_MS);
    assert.deepEqual(watch.seen!.drifts, []);
    const told = (): readonly unknown[] => events.of('policyDrifted').map(({ drift, revision }) => [drift, revision]);
    const expected = [
      ['different', setOf(web('#somebody')).revision],
      ['extra', setOf().revision],
    ];
    assert.deepEqual([told(), events.of('policyDriftOver').length], [expected, 1]);
    await clock.advance(10 * LOOKED_EVERY_MS);
    assert.equal(events.log.length, 3);
  });

  it('notices a change that nobody tells of', async () => {
    await begin();
    inForce = setOf(web('#somebody'));
    await clock.advance(LOOKED_EVERY_MS);
    assert.equal(events.of('policyDrifted').length, 1);
  });

  it('knows that policies in force are those of an earlier commit', async () => {
    const watch = await begin();
    checkout = kept(SECOND, web('#other'));
    await clock.advance(LOOKED_EVERY_MS);
    const { gitRevision, gitRevisionInForce } = watch.seen!;
    assert.deepEqual([gitRevision, gitRevisionInForce], [SECOND, FIRST]);
    await edit(setOf(web('#anybody')));
    assert.equal(watch.seen!.gitRevisionInForce, undefined);
  });

  it('says that the checkout cannot be read, and goes on with what it last said', async () => {
    const watch = await begin();
    checkout = new AuthorityError('CAP-X03', { detail: 'no such folder' });
    await clock.advance(3 * LOOKED_EVERY_MS);
    assert.equal(events.of('policyDriftUnknown').length, 1);
    await edit(setOf(web('#somebody')));
    assert.match(watch.seen!.problem!, /no such folder/);
    assert.equal(watch.seen!.drifts.length, 1);
  });

  it('holds the bundle to its digest, whatever the checkout says', async () => {
    const watch = await begin({ bundleDigest: 'b1' });
    assert.deepEqual(watch.seen!.drifts, [{ title: `PolicyBundle ${bundle().name}`, drift: 'different' }]);
  });
});
