import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  isWithdrawn,
  ISSUER_ACTS,
  LIFECYCLE_STATES,
  mayBecome,
  stateAfter,
  type IssuerAct,
  type LifecycleState,
} from '../../../src/domain/trust/issuer-state.ts';

const someState = fc.constantFrom(...LIFECYCLE_STATES);
const someAct = fc.constantFrom(...ISSUER_ACTS);

describe('The state of an issuer certificate', () => {
  it('never leaves retired, and leaves tainted for nothing else', () => {
    for (const to of LIFECYCLE_STATES) {
      assert.equal(mayBecome('retired', to), false);
      assert.equal(mayBecome('tainted', to), to === 'retired');
    }
  });

  it('is changed by an act only where the states allow it', () => {
    fc.assert(
      fc.property(someAct, someState, someState, (act, from, before) => {
        const after = stateAfter(act, from, before);
        assert.ok('problem' in after || mayBecome(from, after.to));
      }),
    );
  });

  it('signs nothing after any act but resume', () => {
    fc.assert(
      fc.property(someAct, someState, someState, (act, from, before) => {
        const after = stateAfter(act, from, before);
        assert.ok('problem' in after || act === 'resume' || isWithdrawn(after.to));
      }),
    );
  });

  it('is again what it was suspended from, and only a suspended one resumes', () => {
    for (const from of LIFECYCLE_STATES.filter((state) => mayBecome(state, 'suspended'))) {
      const suspended = stateAfter('suspend', from, from);
      assert.deepEqual(suspended, { to: 'suspended' });
      assert.deepEqual(stateAfter('resume', 'suspended', from), { to: from });
    }
    for (const from of LIFECYCLE_STATES.filter((state) => state !== 'suspended'))
      assert.ok('problem' in stateAfter('resume', from, 'active'));
  });

  const REFUSALS: readonly (readonly [IssuerAct, LifecycleState, string])[] = [
    ['suspend', 'suspended', 'is suspended already'],
    ['suspend', 'tainted', 'is tainted, and that is final'],
    ['taint', 'retired', 'is retired, and that is final'],
    ['resume', 'active', 'is active: only a suspended issuer resumes'],
  ];
  for (const [act, from, problem] of REFUSALS) {
    it(`says why it does not ${act} one that is ${from}`, () => {
      assert.deepEqual(stateAfter(act, from, 'active'), { problem });
    });
  }
});
