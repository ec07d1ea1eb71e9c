// The rollback state of one process in a file, and in memory for tests.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { FileBundleState } from '../../../../src/adapters/policy/bundle/file-bundle-state.ts';
import type { PolicyBundleState } from '../../../../src/ports/policy/policy-bundle-state.ts';
import { describeBundleState, FIRST_STATE, nextState } from '../../../support/contracts/bundle-state.ts';
import { SharedBundleState } from '../../../support/fakes/policy-bundle-state.ts';
import { HoldersFolder } from './holders.ts';

const NEVER = { signal: new AbortController().signal };

let shared: HoldersFolder;
beforeEach(() => (shared = new HoldersFolder()));
afterEach(() => shared[Symbol.dispose]());

const twice = (state: PolicyBundleState) => [state, state] as const;
describeBundleState('of one process in a file', () => twice(new FileBundleState(shared.file('state.json'))));
describeBundleState('that a test shares', () => twice(new SharedBundleState()));

describe('A rollback state in a file', () => {
  let folder: HoldersFolder;
  beforeEach(() => (folder = new HoldersFolder()));
  afterEach(() => folder[Symbol.dispose]());

  it('is there for the next run', async () => {
    const file = folder.file('state.json');
    await new FileBundleState(file).update(nextState, NEVER);
    assert.deepEqual(await new FileBundleState(file).read(NEVER), FIRST_STATE);
    assert.equal(existsSync(`${file}.new`), false);
  });

  it('says which file it is that cannot be read, each time it is asked', async () => {
    const state = new FileBundleState(folder.file('state.json', '{"kind": "PolicyBundle'));
    for (const asked of [state.read(NEVER), state.update(nextState, NEVER)]) {
      await assert.rejects(asked, { reason: 'CAP-X03', message: /state\.json is not the rollback state/ });
    }
  });

  it('is what it was when it cannot be written, and can be written again later', async () => {
    const file = folder.file('state.json');
    const state = new FileBundleState(file);
    await state.update(nextState, NEVER);
    const blocked = `${file}.new`;
    mkdirSync(blocked);
    await assert.rejects(state.update(nextState, NEVER), {
      reason: 'CAP-X03',
      message: /state\.json cannot be written/,
    });
    assert.deepEqual(await state.read(NEVER), FIRST_STATE);
  });
});
