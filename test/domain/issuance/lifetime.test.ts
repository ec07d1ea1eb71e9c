import assert from 'node:assert/strict';
import fc from 'fast-check';
import { validityOf, type Validity } from '../../../src/domain/issuance/lifetime.ts';
import { UNBOUNDED } from '../../../src/domain/policy/bounds.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = Date.UTC(2026, 0, 1);
const SETTINGS = { defaultMs: HOUR, maxMs: 24 * HOUR, minMs: 10_000, backdateMs: MINUTE, jitterPercent: 5 };
const FACTS = {
  nowMs: NOW,
  requestedMs: 0,
  granted: UNBOUNDED.ttl,
  issuer: { notBeforeMs: NOW - 10 * HOUR, notAfterMs: NOW + 1000 * HOUR },
  fraction: 0,
};

function lifetimeOf(facts: Parameters<typeof validityOf>[1]): Validity | undefined {
  const validity = validityOf(SETTINGS, facts);
  return typeof validity === 'string' ? undefined : validity;
}

describe('The lifetime of a certificate', () => {
  it('is never so short that it is over, or nearly over, on arrival', () => {
    for (const requestedMs of [1, 1_000, 9_999]) {
      for (const fraction of [0, 0.99]) {
        const facts = { ...FACTS, requestedMs, fraction };
        assert.deepEqual(lifetimeOf(facts), { notBeforeMs: NOW - 2_000, notAfterMs: NOW + 10_000 });
      }
    }
  });

  it('counts from now, whatever is taken back of its beginning', () => {
    assert.equal(lifetimeOf({ ...FACTS, requestedMs: 5 * MINUTE })?.notAfterMs, NOW + 5 * MINUTE);
  });

  it('does not exist where policy allows less than the least, which nothing widens', () => {
    const granted = { ...UNBOUNDED.ttl, maxMs: 9_000 };
    assert.equal(validityOf(SETTINGS, { ...FACTS, granted }), 'policy');
    assert.equal(lifetimeOf({ ...FACTS, granted: { ...granted, maxMs: 10_000 } })?.notAfterMs, NOW + 10_000);
  });

  it('does not exist when the issuer ends before the least is over', () => {
    const ending = { notBeforeMs: NOW - HOUR, notAfterMs: NOW + 9_000 };
    assert.equal(validityOf(SETTINGS, { ...FACTS, issuer: ending }), 'issuer');
    const later = { ...ending, notAfterMs: NOW + 10_000 };
    assert.equal(lifetimeOf({ ...FACTS, issuer: later })?.notAfterMs, NOW + 10_000);
  });

  it('is the default when none is asked for', () => {
    assert.equal(lifetimeOf(FACTS)?.notAfterMs, NOW + HOUR);
  });

  it("is policy's default when none is asked for and policy names a shorter one", () => {
    const granted = { ...UNBOUNDED.ttl, defaultMs: HOUR / 4 };
    assert.equal(lifetimeOf({ ...FACTS, granted })?.notAfterMs, NOW + HOUR / 4);
  });

  it('is at least what policy demands when none is asked for', () => {
    const granted = { ...UNBOUNDED.ttl, minMs: 2 * HOUR };
    assert.equal(lifetimeOf({ ...FACTS, granted })?.notAfterMs, NOW + 2 * HOUR);
  });

  it('is what was asked for when that is allowed', () => {
    assert.equal(lifetimeOf({ ...FACTS, requestedMs: 2 * HOUR })?.notAfterMs, NOW + 2 * HOUR);
  });

  it('is capped by the server, by policy and by the issuer, never refused for being too long', () => {
    const wish = { ...FACTS, requestedMs: 5000 * HOUR };
    const issuer = { ...FACTS.issuer, notAfterMs: NOW + HOUR / 2 };
    assert.equal(lifetimeOf(wish)?.notAfterMs, NOW + 24 * HOUR);
    assert.equal(lifetimeOf({ ...wish, granted: { ...UNBOUNDED.ttl, maxMs: 3 * HOUR } })?.notAfterMs, NOW + 3 * HOUR);
    assert.equal(lifetimeOf({ ...wish, issuer })?.notAfterMs, NOW + HOUR / 2);
  });

  it('is shortened a little at random, so that fleets do not renew in step', () => {
    assert.equal(lifetimeOf({ ...FACTS, fraction: 0.5 })?.notAfterMs, NOW + HOUR * 0.975);
  });

  it('begins a little in the past, against clocks that run late', () => {
    assert.equal(lifetimeOf(FACTS)?.notBeforeMs, NOW - MINUTE);
  });

  it('does not exist when the issuer is expired or not yet valid', () => {
    const expired = { notBeforeMs: NOW - HOUR, notAfterMs: NOW };
    const early = { notBeforeMs: NOW + 1000, notAfterMs: NOW + HOUR };
    assert.equal(validityOf(SETTINGS, { ...FACTS, issuer: expired }), 'issuer');
    assert.equal(validityOf(SETTINGS, { ...FACTS, issuer: early }), 'issuer');
  });

  it('lies within the issuer, around now, with backdating far below half of it, whatever is asked', () => {
    fc.assert(
      fc.property(
        fc.record({
          requestedMs: fc.integer({ min: -HOUR, max: 9999 * HOUR }),
          fraction: fc.double({ min: 0, max: 0.999, noNaN: true }),
        }),
        fc.integer({ min: 1000, max: 100 * HOUR }),
        fc.integer({ min: 0, max: HOUR }),
        (wish, leftMs, ageMs) => {
          const issuer = { notBeforeMs: NOW - Math.floor(ageMs / 1000) * 1000, notAfterMs: NOW + leftMs };
          const validity = lifetimeOf({ ...FACTS, ...wish, issuer });
          if (validity === undefined) return;
          const { notBeforeMs, notAfterMs } = validity;
          assert.ok(notBeforeMs <= NOW && NOW + SETTINGS.minMs <= notAfterMs);
          assert.ok(notBeforeMs >= issuer.notBeforeMs && notAfterMs <= issuer.notAfterMs);
          assert.ok(NOW - notBeforeMs <= (notAfterMs - NOW) / 4 + 1000);
        },
      ),
    );
  });

  describe('that must be whole, backdating included', () => {
    const whole = { minMs: HOUR, maxMs: HOUR };
    const wholeOf = (limits: { minMs: number; maxMs: number }, facts: Parameters<typeof validityOf>[1] = FACTS) =>
      validityOf({ ...SETTINGS, whole: limits }, facts);

    it('is exactly what is demanded, whatever jitter takes off', () => {
      for (const fraction of [0, 0.5, 0.99]) {
        const validity = { notBeforeMs: NOW - MINUTE, notAfterMs: NOW + 59 * MINUTE };
        assert.deepEqual(wholeOf(whole, { ...FACTS, fraction }), validity);
      }
    });

    it('is as usual where that lies between the least and the most', () => {
      const wide = { minMs: HOUR, maxMs: 24 * HOUR };
      assert.deepEqual(wholeOf(wide, { ...FACTS, requestedMs: 2 * HOUR }), {
        notBeforeMs: NOW - MINUTE,
        notAfterMs: NOW + 2 * HOUR,
      });
    });

    it('does not exist where policy, or the server, allows less from now on', () => {
      const most = (maxMs: number) => ({ ...FACTS, granted: { ...UNBOUNDED.ttl, maxMs } });
      assert.equal(wholeOf(whole, most(58 * MINUTE)), 'policy');
      assert.deepEqual(wholeOf(whole, most(59 * MINUTE)), {
        notBeforeMs: NOW - MINUTE,
        notAfterMs: NOW + 59 * MINUTE,
      });
      const short = { ...SETTINGS, defaultMs: HOUR / 2, maxMs: HOUR / 2, whole };
      assert.equal(validityOf(short, FACTS), 'policy');
    });

    it('does not exist when the issuer ends before', () => {
      const issuer = { ...FACTS.issuer, notAfterMs: NOW + HOUR / 2 };
      assert.equal(wholeOf(whole, { ...FACTS, issuer }), 'issuer');
    });

    it('keeps to the limits of all, whatever is asked', () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: 999 }),
          fc.double({ min: 0, max: 0.999, noNaN: true }),
          fc.integer({ min: 3_600, max: 90 * 86_400 }),
          fc.integer({ min: 60, max: 90 * 86_400 }),
          (lateMs, fraction, maxSeconds, grantedSeconds) => {
            const limits = { minMs: HOUR, maxMs: maxSeconds * 1_000 };
            const granted = { ...UNBOUNDED.ttl, maxMs: grantedSeconds * 1_000 };
            const nowMs = NOW + lateMs;
            const validity = wholeOf(limits, { ...FACTS, nowMs, fraction, granted });
            if (typeof validity === 'string') return grantedSeconds < 3_600;
            const lifeMs = validity.notAfterMs - validity.notBeforeMs;
            assert.ok(limits.minMs <= lifeMs && lifeMs <= limits.maxMs);
            assert.ok(validity.notAfterMs <= nowMs + granted.maxMs);
            return lifeMs % 1_000 === 0;
          },
        ),
      );
    });
  });
});
