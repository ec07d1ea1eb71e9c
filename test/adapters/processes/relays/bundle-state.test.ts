import assert from 'node:assert/strict';
import { RelayedBundleState, serveBundleState } from '../../../../src/adapters/processes/relays/bundle-state.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { NEVER } from '../../../../src/live/abortable.ts';
import type { RollbackState } from '../../../../src/ports/policy/policy-bundle-state.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { linkedPair } from '../../../support/fakes/linked-pair.ts';
import { SharedBundleState } from '../../../support/fakes/policy-bundle-state.ts';

const WAITING = { signal: NEVER };
const FIRST: RollbackState = { name: 'corp-mesh', sequence: 1, digest: 'a'.repeat(64), latestSeenMs: 5 };

const next = (known: RollbackState | undefined): RollbackState =>
  known === undefined ? FIRST : { ...known, sequence: known.sequence + 1 };

describe('The rollback state that a supervisor keeps for its workers', () => {
  let kept: SharedBundleState;
  let workers: readonly RelayedBundleState[];
  let cuts: readonly (() => void)[];
  beforeEach(() => {
    kept = new SharedBundleState();
    const pairs = [1, 2, 3].map(() => linkedPair(new FakeClock()));
    for (const { supervisor } of pairs) serveBundleState(supervisor, kept);
    workers = pairs.map(({ worker }) => new RelayedBundleState(worker, kept.place));
    cuts = pairs.map(({ cut }) => cut);
  });
  const worker = (index: number): RelayedBundleState => workers[index] ?? assert.fail();

  it('is nothing before the first policy bundle, then what any of them wrote', async () => {
    assert.equal(await worker(0).read(WAITING), undefined);
    assert.deepEqual(await worker(0).update(next, WAITING), FIRST);
    assert.deepEqual(await worker(1).read(WAITING), FIRST);
    assert.deepEqual(kept.state, FIRST);
  });

  it('loses no change of several workers at once', async () => {
    const changes = Array.from({ length: 30 }, async (_, n) => worker(n % 3).update(next, WAITING));
    await Promise.all(changes);
    assert.equal(kept.state?.sequence, 30);
  });

  it('stays when a change gives nothing, or throws', async () => {
    await worker(0).update(next, WAITING);
    assert.deepEqual(await worker(1).update(() => undefined, WAITING), FIRST);
    const refuse = (): never => {
      throw new Error('is a rollback');
    };
    await assert.rejects(worker(1).update(refuse, WAITING), /is a rollback/);
    assert.deepEqual(kept.state, FIRST);
  });

  it('shows a change the newer state when another worker was faster', async () => {
    await worker(0).update(next, WAITING);
    const seen: (number | undefined)[] = [];
    await worker(1).update((known) => {
      seen.push(known?.sequence);
      if (seen.length === 1) kept.state = { ...FIRST, sequence: 7 };
      return next(known);
    }, WAITING);
    assert.deepEqual(seen, [1, 7]);
    assert.equal(kept.state?.sequence, 8);
  });

  it('passes on why it cannot be written', async () => {
    kept.failure = new AuthorityError('CAP-X03', { detail: 'the disk is full' });
    await assert.rejects(worker(0).update(next, WAITING), { reason: 'CAP-X03', detail: 'the disk is full' });
  });

  it('is never taken for none when the supervisor is gone', async () => {
    await worker(0).update(next, WAITING);
    cuts[0]?.();
    await assert.rejects(worker(0).read(WAITING), { reason: 'CAP-S04' });
    await assert.rejects(worker(0).update(next, WAITING), { reason: 'CAP-S04' });
  });

  it('is given up when one process after the other is faster', async () => {
    let sequence = 1;
    const beaten = worker(0).update((known) => {
      kept.state = { ...FIRST, sequence: (sequence += 1) };
      return next(known);
    }, WAITING);
    await assert.rejects(beaten, {
      reason: 'CAP-X03',
      detail: 'the shared store is changed by other processes all the time',
    });
  });
});
