import assert from 'node:assert/strict';
import { processCount } from '../../../src/config/shapes/shapes.ts';

describe('The number of processes', () => {
  for (const value of [1, 2, 128, 'auto']) {
    it(`may be ${value}`, () => {
      assert.equal(processCount.schema.parse(value), value);
    });
  }

  for (const value of [0, -1, 1.5, 129, 'all', '2', null]) {
    it(`may not be ${JSON.stringify(value)}, and what it may be is said`, () => {
      const { error } = processCount.schema.safeParse(value);
      assert.equal(error?.issues[0]?.message, 'must be a whole number, 1 to 128, or auto');
    });
  }
});
