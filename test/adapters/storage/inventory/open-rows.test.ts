import assert from 'node:assert/strict';
import { OpenRows } from '../../../../src/adapters/storage/inventory/postgres/open-rows.ts';

const SECOND_MS = 1_000;

describe('Rows that are committed out of the order of their numbers', () => {
  const at = (seconds: number, xmin: number, xmax: number) => ({
    nowMs: seconds * SECOND_MS,
    snapshot: { xmin: BigInt(xmin), xmax: BigInt(xmax) },
  });

  it('are all taken in up to the last when none is missing', () => {
    const rows = new OpenRows(7);
    rows.took([8, 9], at(0, 100, 100));
    assert.deepEqual([rows.newest, rows.settled, rows.missing], [9, 9, []]);
  });

  it('are looked for where one is missing, and it holds back what is settled', () => {
    const rows = new OpenRows(0);
    rows.took([1, 3, 6], at(0, 100, 101));
    assert.deepEqual([rows.newest, rows.settled, rows.missing], [6, 1, [2, 4, 5]]);
    rows.took([2, 5, 7], at(1, 100, 101));
    assert.deepEqual([rows.newest, rows.settled, rows.missing], [7, 3, [4]]);
  });

  it('are given up once all who could have written them are over, and not before', () => {
    const rows = new OpenRows(0);
    rows.took([2], at(0, 100, 101));
    rows.took([], at(1, 102, 102));
    assert.deepEqual(rows.missing, [1], 'its writer may have its number, and no transaction yet');
    rows.took([], at(3, 102, 105));
    rows.took([], at(4, 104, 110));
    assert.deepEqual(rows.missing, [1], 'a transaction of before still runs');
    rows.took([], at(5, 105, 111));
    assert.deepEqual([rows.missing, rows.settled], [[], 2]);
  });

  it('are looked for at most by the ten thousand, the newest, however far numbers jump', () => {
    const rows = new OpenRows(0);
    rows.took([50_000_000], at(0, 1, 1));
    assert.deepEqual([rows.missing.length, rows.missing[0]], [10_000, 49_990_000]);
  });
});
