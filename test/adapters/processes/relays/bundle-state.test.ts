import assert from 'node:assert/strict';
import { RelayedBundleState, serveBundleState } from '../../../../src/adapters/processes/relays/bundle-state.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { NEVER } from '../../../../src/live/abortable.ts';
import type { PolicyBundleState } from '../../../../src/ports/policy/policy-bundle-state.ts';
import { describeBundleState, FIRST_STATE, nextState } from '../../../support/contracts/bundle-state.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { linkedPair } from '../../../support/fakes/linked-pair.ts';
import { SharedBundleState } from '../../../support/fakes/policy-bundle-state.ts';

const WAITING = { signal: NEVER };
/** One for each of three workers of one supervisor. */
function relayed(kept: PolicyBundleState) {
  const pairs = [1, 2, 3].map(() => linkedPair(new FakeClock()));
  for (const { supervisor } of pairs) serveBundleState(supervisor, kept);
  const worker = (index: number): RelayedBundleState =>
    new RelayedBundleState(pairs[index]?.worker ?? assert.fail(), kept.place);
  return { worker, cut: (index: number) => pairs[index]?.cut() };
}

describeBundleState('that a supervisor keeps for two workers', () => {
  const { worker } = relayed(new SharedBundleState());
  return [worker(0), worker(1)];
});

describe('The rollback state that a supervisor keeps for its workers', () => {
  let kept: SharedBundleState;
  let worker: ReturnType<typeof relayed>['worker'];
  let cut: ReturnType<typeof relayed>['cut'];
  beforeEach(() => {
    kept = new SharedBundleState();
    ({ worker, cut } = relayed(kept));
  });

  it('shows a change the newer state when another worker was faster', async () => {
    await worker(0).update(nextState, WAITING);
    const seen: (number | undefined)[] = [];
    await worker(1).update((known) => {
      seen.push(known?.sequence);
      if (seen.length === 1) kept.state = { ...FIRST_STATE, sequence: 7 };
      return nextState(known);
    }, WAITING);
    assert.deepEqual(seen, [1, 7]);
    assert.equal(kept.state?.sequence, 8);
  });

  it('passes on why it cannot be written', async () => {
    kept.failure = new AuthorityError('CAP-X03', { detail: 'the disk is full' });
    await assert.rejects(worker(0).update(nextState, WAITING), { reason: 'CAP-X03', detail: 'the disk is full' });
  });

  it('is never taken for none when the supervisor is gone', async () => {
    await worker(0).update(nextState, WAITING);
    cut(0);
    await assert.rejects(worker(0).read(WAITING), { reason: 'CAP-S04' });
    await assert.rejects(worker(0).update(nextState, WAITING), { reason: 'CAP-S04' });
  });

  it('is given up when one process after the other is faster', async () => {
    let sequence = 1;
    const beaten = worker(0).update((known) => {
      kept.state = { ...FIRST_STATE, sequence: (sequence += 1) };
      return nextState(known);
    }, WAITING);
    await assert.rejects(beaten, {
      reason: 'CAP-X03',
      detail: 'the shared store is changed by other processes all the time',
    });
  });
});
