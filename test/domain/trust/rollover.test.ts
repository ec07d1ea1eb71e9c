import assert from 'node:assert/strict';
import { rolloverStep, shareOver, type RolloverView } from '../../../src/domain/trust/rollover.ts';

const SHARES = { prepareAt: 1 / 2, activateAt: 5 / 6 };
const CURRENT = { id: 'one', notBeforeMs: 0, notAfterMs: 600, state: 'active' } as const;
const PREPARED = { id: 'two', notBeforeMs: 300, notAfterMs: 900, state: 'prepared' } as const;

const CASES: readonly {
  readonly that: string;
  readonly view: RolloverView;
  readonly atMs: number;
  readonly step: object;
}[] = [
  { that: 'asks at once for the first certificate', view: {}, atMs: 0, step: { kind: 'ask' } },
  {
    that: 'waits for the first share of a life',
    view: { current: CURRENT },
    atMs: 299,
    step: { kind: 'wait', untilMs: 300, next: 'ask' },
  },
  { that: 'asks when it is over', view: { current: CURRENT }, atMs: 300, step: { kind: 'ask' } },
  {
    that: 'waits for the second with the next one at hand',
    view: { current: CURRENT, prepared: PREPARED },
    atMs: 499,
    step: { kind: 'wait', untilMs: 500, next: 'activate' },
  },
  {
    that: 'activates when it is over',
    view: { current: CURRENT, prepared: PREPARED },
    atMs: 500,
    step: { kind: 'activate', id: 'two' },
  },
  {
    that: 'activates the first at once',
    view: { prepared: PREPARED },
    atMs: 300,
    step: { kind: 'activate', id: 'two' },
  },
  {
    that: 'waits until what is prepared is valid',
    view: { current: CURRENT, prepared: { ...PREPARED, notBeforeMs: 550 } },
    atMs: 500,
    step: { kind: 'wait', untilMs: 550, next: 'activate' },
  },
  {
    that: 'asks at once when the one in force is tainted',
    view: { current: { ...CURRENT, state: 'tainted' } },
    atMs: 1,
    step: { kind: 'ask' },
  },
  {
    that: 'activates at once when the one in force is tainted',
    view: { current: { ...CURRENT, state: 'tainted' }, prepared: PREPARED },
    atMs: 301,
    step: { kind: 'activate', id: 'two' },
  },
  {
    that: 'activates at once when the one in force has ended',
    view: { current: CURRENT, prepared: PREPARED },
    atMs: 600,
    step: { kind: 'activate', id: 'two' },
  },
  {
    that: 'does not get round a suspension',
    view: { current: { ...CURRENT, state: 'suspended' }, prepared: PREPARED },
    atMs: 599,
    step: { kind: 'wait', untilMs: Infinity, next: 'activate' },
  },
  {
    that: 'leaves what is prepared and suspended',
    view: { current: CURRENT, prepared: { ...PREPARED, state: 'suspended' } },
    atMs: 599,
    step: { kind: 'wait', untilMs: Infinity, next: 'activate' },
  },
  {
    that: 'activates what is suspended where nothing is in force: it signs nothing',
    view: { prepared: { ...PREPARED, state: 'suspended' } },
    atMs: 300,
    step: { kind: 'activate', id: 'two' },
  },
  {
    that: 'lets go of what is prepared and tainted',
    view: { current: CURRENT, prepared: { ...PREPARED, state: 'tainted' } },
    atMs: 400,
    step: { kind: 'discard', id: 'two' },
  },
  {
    that: 'lets go of what is prepared and has ended',
    view: { current: CURRENT, prepared: { ...PREPARED, notAfterMs: 310 } },
    atMs: 310,
    step: { kind: 'discard', id: 'two' },
  },
  {
    that: 'holds back what somebody holds back',
    view: { current: CURRENT, prepared: { ...PREPARED, heldBack: 'an anchor' } },
    atMs: 599,
    step: { kind: 'wait', untilMs: Infinity, next: 'activate' },
  },
];

describe('A rollover', () => {
  for (const { that, view, atMs, step } of CASES) {
    it(that, () => {
      const found = rolloverStep(view, SHARES, atMs);
      const { why, ...rest } = { why: '', ...found };
      assert.deepEqual(rest, step);
      assert.ok(found.kind === 'wait' || why !== '', 'what is done has a reason');
    });
  }

  it('says which share of which certificate is over', () => {
    const step = rolloverStep({ current: CURRENT, prepared: PREPARED }, SHARES, 500);
    assert.equal('why' in step && step.why, '83 % of the life of certificate one are over');
  });

  it('counts a share from the beginning of the life', () => {
    assert.equal(shareOver({ notBeforeMs: 1_000, notAfterMs: 2_000 }, 1 / 4), 1_250);
  });
});
