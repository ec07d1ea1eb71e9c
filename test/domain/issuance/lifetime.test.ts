import assert from 'node:assert/strict';
import fc from 'fast-check';
import { validityOf } from '../../../src/domain/issuance/lifetime.ts';
import { UNBOUNDED } from '../../../src/domain/policy/bounds.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = Date.UTC(2026, 0, 1);
const SETTINGS = { defaultMs: HOUR, maxMs: 24 * HOUR, backdateMs: MINUTE, jitterPercent: 5 };
const FACTS = {
  nowMs: NOW,
  requestedMs: 0,
  granted: UNBOUNDED.ttl,
  issuer: { notBeforeMs: NOW - 10 * HOUR, notAfterMs: NOW + 1000 * HOUR },
  fraction: 0,
};

describe('The lifetime of a certificate', () => {
  it('is the default when none is asked for', () => {
    assert.equal(validityOf(SETTINGS, FACTS)?.notAfterMs, NOW + HOUR);
  });

  it("is policy's default when none is asked for and policy names a shorter one", () => {
    const granted = { ...UNBOUNDED.ttl, defaultMs: HOUR / 4 };
    assert.equal(validityOf(SETTINGS, { ...FACTS, granted })?.notAfterMs, NOW + HOUR / 4);
  });

  it('is at least what policy demands when none is asked for', () => {
    const granted = { ...UNBOUNDED.ttl, minMs: 2 * HOUR };
    assert.equal(validityOf(SETTINGS, { ...FACTS, granted })?.notAfterMs, NOW + 2 * HOUR);
  });

  it('is what was asked for when that is allowed', () => {
    assert.equal(validityOf(SETTINGS, { ...FACTS, requestedMs: 2 * HOUR })?.notAfterMs, NOW + 2 * HOUR);
  });

  it('is capped by the server, by policy and by the issuer, never refused for being too long', () => {
    const wish = { ...FACTS, requestedMs: 5000 * HOUR };
    const issuer = { ...FACTS.issuer, notAfterMs: NOW + HOUR / 2 };
    assert.equal(validityOf(SETTINGS, wish)?.notAfterMs, NOW + 24 * HOUR);
    assert.equal(
      validityOf(SETTINGS, { ...wish, granted: { ...UNBOUNDED.ttl, maxMs: 3 * HOUR } })?.notAfterMs,
      NOW + 3 * HOUR,
    );
    assert.equal(validityOf(SETTINGS, { ...wish, issuer })?.notAfterMs, NOW + HOUR / 2);
  });

  it('is shortened a little at random, so that fleets do not renew in step', () => {
    assert.equal(validityOf(SETTINGS, { ...FACTS, fraction: 0.5 })?.notAfterMs, NOW + HOUR * 0.975);
  });

  it('begins a little in the past, against clocks that run late', () => {
    assert.equal(validityOf(SETTINGS, FACTS)?.notBeforeMs, NOW - MINUTE);
  });

  it('does not exist when the issuer is expired or not yet valid', () => {
    const expired = { notBeforeMs: NOW - HOUR, notAfterMs: NOW };
    const early = { notBeforeMs: NOW + 1000, notAfterMs: NOW + HOUR };
    assert.equal(validityOf(SETTINGS, { ...FACTS, issuer: expired }), undefined);
    assert.equal(validityOf(SETTINGS, { ...FACTS, issuer: early }), undefined);
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
          const validity = validityOf(SETTINGS, { ...FACTS, ...wish, issuer });
          if (validity === undefined) return;
          const { notBeforeMs, notAfterMs } = validity;
          assert.ok(notBeforeMs <= NOW && NOW < notAfterMs);
          assert.ok(notBeforeMs >= issuer.notBeforeMs && notAfterMs <= issuer.notAfterMs);
          assert.ok(NOW - notBeforeMs <= (notAfterMs - NOW) / 4 + 1000);
        },
      ),
    );
  });
});
