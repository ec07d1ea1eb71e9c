import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Places } from '../../../src/domain/bounded/places.ts';

const step = fc.record({
  owner: fc.constantFrom('a', 'b', 'c', 'd'),
  holder: fc.integer({ min: 0, max: 7 }),
  adds: fc.boolean(),
});

describe('Places', () => {
  it('know who holds most, and the oldest of each, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const places = new Places<string>();
        const held = new Map<string, string[]>(['a', 'b', 'c', 'd'].map((owner) => [owner, []]));
        for (const { owner, holder, adds } of steps) {
          const name = `${owner}${holder}`;
          const own = held.get(owner)!;
          if (adds && own.includes(name)) continue;
          held.set(owner, adds ? [...own, name] : own.filter((other) => other !== name));
          if (adds) places.add(owner, name);
          else places.remove(owner, name);
          const most = Math.max(...[...held.values()].map(({ length }) => length));
          assert.equal(places.size, [...held.values()].flat().length);
          const largest = places.largestOwner();
          assert.equal(largest === undefined ? 0 : held.get(largest)!.length, most);
          for (const [one, names] of held) {
            assert.equal(places.heldBy(one), names.length);
            assert.equal(places.oldestOf(one), names[0]);
          }
        }
      }),
    );
  });
});
