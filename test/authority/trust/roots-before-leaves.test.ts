import assert from 'node:assert/strict';
import { RootsBeforeLeaves } from '../../../src/authority/trust/roots-before-leaves.ts';
import type { TrustBundle } from '../../../src/domain/trust/bundle.ts';
import { Listeners } from '../../../src/live/listeners.ts';
import type { PublishedRoots } from '../../../src/ports/issuing/root-publication.ts';
import { fakeIssuers, NEVER } from '../../support/authority-parts.ts';
import { testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';

/** Places that a test fills. */
class FakePublishedRoots implements PublishedRoots {
  readonly #listeners = new Listeners();
  /** What each place has; absent while nobody can know. */
  places: (TrustBundle | undefined)[] | undefined;

  constructor(...places: readonly TrustBundle[]) {
    this.places = [...places];
  }

  lacking(bundle: TrustBundle): number | undefined {
    const holds = (place?: TrustBundle): boolean => {
      return bundle.anchors.every(({ sha256 }) => place?.anchors.some((anchor) => anchor.sha256 === sha256));
    };
    return this.places?.filter((place) => !holds(place)).length;
  }

  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener, options);
  }

  hold(...places: readonly TrustBundle[]): void {
    this.places = [...places];
    this.#listeners.notify();
  }
}

describe('Roots before leaves', () => {
  let old: TestAuthority;
  let next: TestAuthority;
  before(async () => {
    [old, next] = [await testAuthority(), await testAuthority()];
  });

  function scene() {
    const [first, second] = [old.material.bundle, next.material.bundle];
    const published = new FakePublishedRoots(first, first);
    const [clock, events] = [new FakeClock(), recordEvents()];
    const roots = new RootsBeforeLeaves({ published, clock, events }, { waitMs: 60_000 });
    const issuers = fakeIssuers(old.material);
    roots.follow(issuers.anchors, { signal: NEVER });
    let asked = 0;
    roots.onChange(() => (asked += 1), { signal: NEVER });
    const before = async (bundle: TrustBundle, signal = NEVER): Promise<'in force'> => {
      await roots.before(bundle, { signal });
      return 'in force';
    };
    return { first, second, published, clock, events, roots, issuers, before, asked: () => asked };
  }
  const PENDING = 'pending';
  const stateOf = async (clock: FakeClock, waiting: Promise<string>): Promise<string> => {
    await clock.advance(0);
    return Promise.race([waiting, new Promise<string>((resolve) => setImmediate(() => resolve(PENDING)))]);
  };

  it('wait until every place has the new anchor, and publish it beside the old one until then', async () => {
    const { first, second, published, clock, roots, before, asked } = scene();
    assert.equal(roots.wanted(), first);
    const waiting = before(second);
    assert.equal(await stateOf(clock, waiting), PENDING);
    const both = roots.wanted();
    assert.deepEqual(both.anchors, [...first.anchors, ...second.anchors]);
    assert.equal(asked(), 1);
    published.hold(both, first);
    await clock.advance(100);
    assert.equal(await stateOf(clock, waiting), PENDING);
    published.hold(both, both);
    await clock.advance(100);
    assert.equal(await stateOf(clock, waiting), 'in force');
  });

  it('let pass at once what every place has', async () => {
    const { first, clock, before, asked } = scene();
    assert.equal(await stateOf(clock, before(first)), 'in force');
    assert.equal(asked(), 0);
  });

  it('publish what is in force alone, once it is', async () => {
    const { first, second, published, clock, roots, issuers, before, asked } = scene();
    const waiting = before(second);
    const both = first.joinedWith(second);
    published.hold(both, both);
    await clock.advance(100);
    await waiting;
    issuers.swap(next.material);
    assert.equal(roots.wanted(), second);
    assert.equal(asked(), 2);
    issuers.swap(old.material);
    assert.equal(roots.wanted(), first);
  });

  it('wait a minute and no longer for places that cannot be written, and say so', async () => {
    const { first, second, published, clock, events, before } = scene();
    const waiting = before(second);
    published.hold(second, first);
    await clock.advance(59_999);
    assert.equal(await stateOf(clock, waiting), PENDING);
    await clock.advance(1);
    assert.equal(await stateOf(clock, waiting), 'in force');
    assert.deepEqual(events.of('rootsLate'), [{ digest: second.digest, lacking: 1, waitedMs: 60_000 }]);
  });

  it('wait as long when nobody can know what the places have', async () => {
    const { second, published, clock, events, before } = scene();
    published.places = undefined;
    const waiting = before(second);
    await clock.advance(60_000);
    assert.equal(await stateOf(clock, waiting), 'in force');
    assert.equal(events.of('rootsLate')[0]?.['lacking'], undefined);
  });

  it('are waited for by a server that starts, unless nobody can know what the places have', async () => {
    const { first, second, published, clock, roots } = scene();
    const begin = async (): Promise<string> => {
      await roots.atStart({ signal: NEVER });
      return 'serves';
    };
    published.hold(second, first);
    const starting = begin();
    assert.equal(await stateOf(clock, starting), PENDING);
    published.hold(first, first);
    await clock.advance(100);
    assert.equal(await stateOf(clock, starting), 'serves');
    published.places = undefined;
    assert.equal(await stateOf(clock, begin()), 'serves');
  });

  it('say how many places lack an anchor in force', () => {
    const { first, second, published, roots } = scene();
    assert.equal(roots.problem(), undefined);
    published.hold(first, second);
    assert.equal(roots.problem(), 'the trust anchors in force are missing in 1 place');
    published.places = undefined;
    assert.equal(roots.problem(), undefined);
  });

  it('are not waited for by a server that stops', async () => {
    const { second, before } = scene();
    const stop = new AbortController();
    const waiting = before(second, stop.signal);
    stop.abort(new Error('the server stops'));
    await assert.rejects(waiting, /the server stops/);
  });
});
