import assert from 'node:assert/strict';
import { Recent } from '../../../src/domain/bounded/recent.ts';

describe('A bounded memory', () => {
  it('forgets what is old, and always knows the younger half', () => {
    const recent = new Recent<number>(10);
    const remembered = (): number[] =>
      Array.from({ length: 100 }, (_, key) => key).filter((key) => recent.get(`${key}`) !== undefined);
    for (let key = 0; key < 100; key += 1) {
      recent.set(`${key}`, key);
      const known = remembered();
      assert.ok(known.length <= 10 && known.length >= Math.min(key + 1, 5), `${known.length} after ${key}`);
      assert.equal(known.at(-1), key);
    }
    recent.set('99', -1);
    assert.equal(recent.get('99'), -1);
  });
});
