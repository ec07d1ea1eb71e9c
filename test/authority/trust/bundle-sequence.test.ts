import assert from 'node:assert/strict';
import { BundleSequence } from '../../../src/authority/trust/bundle-sequence.ts';
import type { TrustBundle } from '../../../src/domain/trust/bundle.ts';
import { Listeners } from '../../../src/live/listeners.ts';
import type { TrustAnchors } from '../../../src/ports/issuing/trust-anchors.ts';
import { NEVER } from '../../support/authority-parts.ts';
import { testAuthority } from '../../support/certificates.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';

const NOON = NOON_MS / 1_000;

describe('The sequence number of the trust bundle', () => {
  let bundles: readonly TrustBundle[];
  before(async () => {
    bundles = (await Promise.all([1, 2, 3].map(async () => testAuthority({ nowMs: NOON_MS })))).map(
      ({ bundle }) => bundle,
    );
  });

  function followed(clock = new FakeClock()) {
    const changes = new Listeners<[TrustBundle]>();
    let inForce = bundles[0]!;
    const anchors: TrustAnchors = {
      partialAnchors: false,
      current: () => inForce,
      onChange: (listener, options) => changes.add(listener, options),
    };
    const sequence = new BundleSequence({ anchors, clock });
    sequence.start({ signal: NEVER });
    const change = (index: number): void => changes.notify((inForce = bundles[index]!));
    return { clock, change, number: () => sequence.current().sequence };
  }

  it('is the second in which the bundle came in force, and stays as long as that does', async () => {
    const { clock, number } = followed();
    assert.equal(number(), NOON);
    await clock.advance(3_600_000);
    assert.equal(number(), NOON);
  });

  it('rises with each change, also with two in one second and when the clock is set back', () => {
    const { clock, change, number } = followed();
    change(1);
    assert.equal(number(), NOON + 1);
    clock.jumpTo(NOON_MS - 3_600_000);
    change(2);
    assert.equal(number(), NOON + 2);
  });

  it('is higher on a server with the new bundle than on any that still has the former one', async () => {
    const clock = new FakeClock();
    const first = followed(clock);
    await clock.advance(60_000);
    const startedLater = followed(clock);
    await clock.advance(60_000);
    first.change(1);
    assert.ok(first.number() > startedLater.number());
  });
});
