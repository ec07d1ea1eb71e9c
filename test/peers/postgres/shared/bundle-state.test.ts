// The rollback state of policy bundles of all replicas, against a real database.
import assert from 'node:assert/strict';
import { PostgresBundleState } from '../../../../src/adapters/storage/postgres/shared/postgres-bundle-state.ts';
import { describeBundleState, FIRST_STATE, nextState } from '../../../support/contracts/bundle-state.ts';
import { SharedStore } from './shared-store.ts';

const NEVER = { signal: new AbortController().signal };

describe('The rollback state of a shared store', function () {
  this.timeout(120_000);
  const store = SharedStore.ofSuite();
  const stateOf = (trust = 'cluster.local'): PostgresBundleState =>
    new PostgresBundleState({ database: store.database }, { trust });

  describeBundleState('of a shared store', () => [stateOf(), stateOf()]);

  it('is shown again to a replica that another was faster than', async () => {
    const shown: (number | undefined)[] = [];
    let other: Promise<unknown> | undefined;
    await stateOf().update(nextState, NEVER);
    const slow = new PostgresBundleState(
      {
        database: {
          query: store.database.query,
          commit: async (...question) => {
            await (other ??= stateOf().update(nextState, NEVER));
            return store.database.commit(...question);
          },
        },
      },
      { trust: 'cluster.local' },
    );
    await slow.update((known) => {
      shown.push(known?.sequence);
      return nextState(known);
    }, NEVER);
    assert.deepEqual(shown, [1, 2]);
    assert.equal((await stateOf().read(NEVER))?.sequence, 3);
  });

  it('is shown again to a replica that saw another one of the same revision, as before a failover', async () => {
    await stateOf().update(nextState, NEVER);
    const shown: (number | undefined)[] = [];
    const moved = new PostgresBundleState(
      {
        database: {
          query: store.database.query,
          commit: async (...question) => {
            if (shown.length === 1) await store.cluster.query('UPDATE policy_bundle_states SET sequence = 7');
            return store.database.commit(...question);
          },
        },
      },
      { trust: 'cluster.local' },
    );
    await moved.update((known) => {
      shown.push(known?.sequence);
      return nextState(known);
    }, NEVER);
    assert.deepEqual(shown, [1, 7]);
    assert.equal((await stateOf().read(NEVER))?.sequence, 8);
  });

  it('is one for each trust domain', async () => {
    await stateOf().update(nextState, NEVER);
    assert.equal(await stateOf('other.example').read(NEVER), undefined);
  });

  it('is an error where the database cannot be asked, never nothing', async () => {
    await stateOf().update(nextState, NEVER);
    store.failing = true;
    await assert.rejects(stateOf().read(NEVER), { reason: 'CAP-S04' });
    await assert.rejects(stateOf().update(nextState, NEVER), { reason: 'CAP-S04' });
    store.failing = false;
    assert.deepEqual(await stateOf().read(NEVER), FIRST_STATE);
  });
});
