import assert from 'node:assert/strict';
import { KNOWN_AFTER_MS, knownUntil, lookedAt, type PairWatch } from '../../../src/domain/inventory/new-pair.ts';

const MINUTE_MS = 60_000;

describe('Which identities and nodes are known', () => {
  it('none are until half an hour of looking is over; then those that were there half an hour ago', () => {
    let watch: PairWatch | undefined;
    for (let second = 0; second <= 3_600; second += 1) {
      watch = lookedAt(watch, 100 + second, second * 1_000);
      const known = knownUntil(watch, second * 1_000);
      if (second < 1_800) assert.equal(known, 0);
      else assert.ok(known >= 100 + second - 1_800 - 60 && known <= 100 + second - 1_800, String(second));
    }
  });

  it('remembers a number for each minute and no more, however long it runs', () => {
    let watch: PairWatch | undefined;
    for (let second = 0; second < 8 * 3_600; second += 5) watch = lookedAt(watch, second, second * 1_000);
    assert.ok((watch?.marks.length ?? 0) <= KNOWN_AFTER_MS / MINUTE_MS + 2, String(watch?.marks.length));
  });

  it('are learned again where the newest entry is before the last: the inventory was made anew', () => {
    const watch = lookedAt(lookedAt(undefined, 500, 0), 500, 2 * KNOWN_AFTER_MS);
    assert.equal(knownUntil(watch, 2 * KNOWN_AFTER_MS), 500);
    assert.equal(knownUntil(lookedAt(watch, 20, 2 * KNOWN_AFTER_MS + 1), 2 * KNOWN_AFTER_MS + 1), 0);
  });

  it('are fewer for a while where the clock was set back, and never those that came later', () => {
    let watch: PairWatch | undefined;
    for (let minute = 0; minute <= 60; minute += 1) watch = lookedAt(watch, minute, minute * MINUTE_MS);
    watch = lookedAt(watch, 61, 10 * MINUTE_MS);
    assert.equal(knownUntil(watch, 10 * MINUTE_MS), 0);
    assert.ok(knownUntil(watch, 62 * MINUTE_MS) <= 32);
  });
});
