import assert from 'node:assert/strict';
import { ReportEachOnce, ReportOnce } from '../../src/live/report-once.ts';

describe('A problem', () => {
  it('is reported when it is found, when it changes, and when it comes back', () => {
    const reported: string[] = [];
    const once = new ReportOnce((problem) => reported.push(problem));
    for (const problem of ['a.yaml is empty', 'a.yaml is empty', 'a.yaml is no YAML']) once.found(problem);
    assert.deepEqual(reported, ['a.yaml is empty', 'a.yaml is no YAML']);
    assert.equal(once.problem, 'a.yaml is no YAML');
    assert.equal(once.over(), true);
    assert.equal(once.problem, undefined);
    once.found('a.yaml is no YAML');
    assert.equal(reported.length, 3);
  });

  it('that never was is not over', () => {
    assert.equal(new ReportOnce(() => assert.fail('nothing was found')).over(), false);
  });
});

describe('Problems of many', () => {
  const look = (...looks: Record<string, string>[]) => {
    const each = new ReportEachOnce();
    return looks.map((found) => each.look(new Map(Object.entries(found)))).at(-1);
  };

  it('are reported where they are new or another, in their order', () => {
    assert.deepEqual(
      look({ shop: 'is empty', bank: 'is empty' }, { new: 'is gone', shop: 'is empty', bank: 'is gone' }),
      {
        fresh: new Set(['new', 'bank']),
        mended: false,
      },
    );
  });

  it('are mended when one is over, whatever else there is', () => {
    assert.deepEqual(look({ shop: 'is empty', bank: 'is empty' }, { bank: 'is empty' }), {
      fresh: new Set(),
      mended: true,
    });
  });

  it('are reported again when they come back', () => {
    assert.deepEqual(look({ shop: 'is empty' }, {}, { shop: 'is empty' }), { fresh: new Set(['shop']), mended: false });
  });
});
