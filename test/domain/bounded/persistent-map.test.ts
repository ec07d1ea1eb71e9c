import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PersistentMap } from '../../../src/domain/bounded/persistent-map.ts';

describe('A persistent map', () => {
  it('is what a map would be after each change, and what it was before', () => {
    const change = fc.tuple(fc.stringMatching(/^[ab]{0,3}$/), fc.option(fc.nat(), { nil: undefined }));
    fc.assert(
      fc.property(fc.array(fc.array(change)), (rounds) => {
        let map = PersistentMap.empty<number>();
        const plain = new Map<string, number>();
        for (const changes of rounds) {
          const [before, entries] = [map, new Map(map.entries())];
          map = map.with(changes);
          for (const [key, value] of changes) {
            if (value === undefined) plain.delete(key);
            else plain.set(key, value);
          }
          assert.deepEqual(new Map(map.entries()), plain);
          assert.equal(map.size, plain.size);
          for (const [key, value] of plain) assert.equal(map.get(key), value);
          assert.deepEqual(new Map(before.entries()), entries);
        }
      }),
    );
  });
});
