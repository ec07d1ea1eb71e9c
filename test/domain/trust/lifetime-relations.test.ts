import assert from 'node:assert/strict';
import { parseDuration } from '../../../src/domain/text/duration.ts';
import { lifetimeProblem } from '../../../src/domain/trust/lifetime-relations.ts';

const DAY_MS = 86_400_000;
const lives = (days: number, anchorDays = 3650) => ({
  ownNotBeforeMs: 0,
  ownNotAfterMs: days * DAY_MS,
  anchorNotAfterMs: anchorDays * DAY_MS,
});

describe('An intermediate among root and leaves', () => {
  it('lives at least six times as long as the longest leaf', () => {
    assert.equal(lifetimeProblem(lives(6), DAY_MS), undefined);
    assert.equal(lifetimeProblem(lives(365), DAY_MS), undefined);
    assert.equal(
      lifetimeProblem(lives(3), DAY_MS),
      'it lives for 72h, and the longest leaf for 24h: an intermediate lives at least 6 times as long, 6 x 24h = 144h. ' +
        'Ask the CA for that, or let no leaf live longer than 12h',
    );
    assert.match(
      lifetimeProblem({ ...lives(6), ownNotBeforeMs: 1_000 }, DAY_MS) ?? '',
      /let no leaf live longer than 23h/,
    );
  });

  it('ends with its trust anchor at the latest', () => {
    assert.equal(lifetimeProblem(lives(365, 365), DAY_MS), undefined);
    assert.equal(
      lifetimeProblem(lives(365, 364), DAY_MS),
      'it ends at 1971-01-01T00:00:00.000Z, after its trust anchor, which ends at 1970-12-31T00:00:00.000Z. ' +
        'Ask the CA for one that ends before its root',
    );
  });

  it('is given advice that it then passes, whatever the lifetimes', () => {
    for (let minutes = 1; minutes < 40_000; minutes = Math.ceil(minutes * 1.3)) {
      const own = { ...lives(0), ownNotAfterMs: minutes * 60_000 };
      const [, most = ''] = /longer than (\w+)$/.exec(lifetimeProblem(own, 365 * DAY_MS) ?? '') ?? [];
      const mostMs = parseDuration(most);
      assert.ok(typeof mostMs === 'number', most);
      assert.equal(lifetimeProblem(own, mostMs), undefined, `${minutes} min: ${most}`);
    }
  });
});
