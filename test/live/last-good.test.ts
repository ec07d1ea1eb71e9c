import assert from 'node:assert/strict';
import { LastGood } from '../../src/live/last-good.ts';

describe('The last good value', () => {
  let reported: string[];
  let value: LastGood<string>;
  beforeEach(() => {
    reported = [];
    value = new LastGood<string>({
      revisionOf: (text) => text,
      applied: (text) => reported.push(`applied ${text}`),
      failed: (problem, current) => reported.push(`failed ${problem}, keeps ${current}`),
    });
  });

  it('gives way to the next good one, which is reported', () => {
    assert.equal(value.accept('v1'), true);
    assert.equal(value.accept('v2'), true);
    assert.equal(value.current, 'v2');
    assert.deepEqual(reported, ['applied v1', 'applied v2']);
  });

  it('is not another when it is found again, and that is no news', () => {
    value.accept('v1');
    assert.equal(value.accept('v1'), false);
    value.confirm();
    assert.deepEqual(reported, ['applied v1']);
  });

  it('stays while what was found is not good, and that is reported once', () => {
    value.accept('v1');
    value.refuse('v2 is cut off');
    value.refuse('v2 is cut off');
    assert.equal(value.current, 'v1');
    assert.equal(value.problem, 'v2 is cut off');
    assert.deepEqual(reported.slice(1), ['failed v2 is cut off, keeps v1']);
  });

  for (const [how, mend] of [
    ['found again', () => value.accept('v1')],
    ['confirmed', () => value.confirm()],
  ] as const) {
    it(`is reported once more, and is no other, when it is ${how} after a broken one`, () => {
      value.accept('v1');
      value.refuse('v2 is cut off');
      assert.notEqual(mend(), true);
      assert.equal(value.problem, undefined);
      assert.deepEqual(reported.slice(2), ['applied v1']);
    });
  }

  it('comes in force without a part that is wrong, which stays reported until it is mended', () => {
    value.accept('v1', 'b.yaml is left out');
    value.accept('v2', 'b.yaml is left out');
    assert.equal(value.problem, 'b.yaml is left out');
    value.accept('v2');
    assert.deepEqual(reported, ['failed b.yaml is left out, keeps v1', 'applied v1', 'applied v2', 'applied v2']);
  });

  it('is absent until there is one, and what is wrong by then is over without a report', () => {
    value.refuse('nothing can be read');
    assert.equal(value.current, undefined);
    value.confirm();
    assert.equal(value.problem, undefined);
    assert.deepEqual(reported, ['failed nothing can be read, keeps undefined']);
  });
});
