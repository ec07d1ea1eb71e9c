import assert from 'node:assert/strict';
import { Turns } from '../../../src/domain/bounded/turns.ts';

describe('Turns', () => {
  it('come round by owner, each line in its order, whatever waits in one of them', () => {
    const turns = new Turns();
    for (const key of ['a1', 'a2', 'a3', 'a1']) turns.add('a', key);
    turns.add('b', 'b1');
    assert.equal(turns.size, 4);
    assert.deepEqual(
      Array.from({ length: 5 }, () => turns.take()?.key),
      ['a1', 'b1', 'a2', 'a3', undefined],
    );
    assert.equal(turns.size, 0);
  });

  it('pass over what is not fit, which keeps its place', () => {
    const turns = new Turns();
    turns.add('a', 'a1');
    turns.add('a', 'a2');
    assert.deepEqual(
      turns.take((key) => key === 'a2'),
      { owner: 'a', key: 'a2' },
    );
    assert.deepEqual([turns.has('a', 'a1'), turns.has('a', 'a2'), [...turns.keys()]], [true, false, ['a1']]);
  });
});
