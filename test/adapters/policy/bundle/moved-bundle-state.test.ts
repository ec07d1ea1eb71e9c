import assert from 'node:assert/strict';
import { MovedBundleState } from '../../../../src/adapters/policy/bundle/moved-bundle-state.ts';
import type { RollbackState } from '../../../../src/ports/policy/policy-bundle-state.ts';
import { describeBundleState, FIRST_STATE } from '../../../support/contracts/bundle-state.ts';
import { SharedBundleState } from '../../../support/fakes/policy-bundle-state.ts';

const NEVER = { signal: new AbortController().signal };

describeBundleState('that moved from a file to a shared store', () => {
  const shared = new SharedBundleState();
  return [new MovedBundleState(new SharedBundleState(), shared), shared];
});

describe('A rollback state that moves to a shared store', () => {
  async function moved(own: RollbackState | undefined, known: RollbackState | undefined) {
    const [file, shared] = [new SharedBundleState(), new SharedBundleState()];
    [file.state, shared.state] = [own, known];
    const read = await new MovedBundleState(file, shared).read(NEVER);
    assert.deepEqual(shared.state, read, 'what one server takes over, all have');
    return read;
  }

  const seen = (sequence: number, latestSeenMs: number): RollbackState => ({ ...FIRST_STATE, sequence, latestSeenMs });

  it('takes over what the file knows where nobody has shared anything', async () => {
    assert.deepEqual(await moved(seen(4, 9), undefined), seen(4, 9));
  });

  it('takes over a newer sequence, and the later time with it', async () => {
    assert.deepEqual(await moved(seen(4, 5), seen(3, 9)), seen(4, 9));
  });

  it('leaves what is as new, with a time that may have been set back since', async () => {
    assert.deepEqual(await moved(seen(4, 9), seen(4, 5)), seen(4, 5));
    assert.deepEqual(await moved(seen(3, 9), seen(4, 5)), seen(4, 5));
  });

  it('leaves what is of another name: their sequences do not compare', async () => {
    const other = { ...seen(1, 5), name: 'another' };
    assert.deepEqual(await moved(seen(9, 9), other), other);
  });

  it('knows before its first change what the file knew', async () => {
    const [file, shared] = [new SharedBundleState(), new SharedBundleState()];
    file.state = seen(4, 9);
    const shown: unknown[] = [];
    await new MovedBundleState(file, shared).update((known) => void shown.push(known), NEVER);
    assert.deepEqual(shown, [seen(4, 9)]);
  });

  it('is an error where the file cannot be read, never what the store knows without it', async () => {
    const file = new SharedBundleState();
    file.read = () => Promise.reject(new Error('cannot be read'));
    await assert.rejects(new MovedBundleState(file, new SharedBundleState()).read(NEVER), /cannot be read/);
  });
});
