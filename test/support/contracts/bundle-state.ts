// What the port of rollback states promises, of each implementation.
import assert from 'node:assert/strict';
import type { PolicyBundleState, RollbackState } from '../../../src/ports/policy/policy-bundle-state.ts';

const NEVER = { signal: new AbortController().signal };
export const FIRST_STATE: RollbackState = { name: 'corp-mesh', sequence: 1, digest: 'a'.repeat(64), latestSeenMs: 5 };

/** The change of who accepts a bundle. */
export const nextState = (known: RollbackState | undefined): RollbackState =>
  known === undefined ? FIRST_STATE : { ...known, sequence: known.sequence + 1 };

/**
 * @param make gives two views of one empty state, as two replicas have them; one twice where only one process may have it.
 */
export function describeBundleState(
  what: string,
  make: () =>
    readonly [PolicyBundleState, PolicyBundleState] | Promise<readonly [PolicyBundleState, PolicyBundleState]>,
): void {
  describe(`A rollback state ${what}`, () => {
    let one: PolicyBundleState;
    let other: PolicyBundleState;
    beforeEach(async () => ([one, other] = await make()));

    it('is nothing before the first policy bundle, then what was written', async () => {
      assert.equal(await one.read(NEVER), undefined);
      assert.deepEqual(await one.update(nextState, NEVER), FIRST_STATE);
      assert.deepEqual(await other.read(NEVER), FIRST_STATE);
    });

    it('stays when a change gives nothing, or throws', async () => {
      await one.update(nextState, NEVER);
      assert.deepEqual(await one.update(() => undefined, NEVER), FIRST_STATE);
      const refuse = (): never => {
        throw new Error('is a rollback');
      };
      await assert.rejects(one.update(refuse, NEVER), /is a rollback/);
      assert.deepEqual(await other.read(NEVER), FIRST_STATE);
    });

    it('loses no change of several at once', async () => {
      const changes = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : other));
      await Promise.all(changes.map(async (state) => state.update(nextState, NEVER)));
      assert.equal((await one.read(NEVER))?.sequence, 20);
    });

    it('is not changed by a call that was given up before', async () => {
      const reason = new Error('the server stops');
      await assert.rejects(one.update(nextState, { signal: AbortSignal.abort(reason) }), reason);
      assert.equal(await other.read(NEVER), undefined);
    });
  });
}
