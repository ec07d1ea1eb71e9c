// What the port promises, of each implementation.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { FileBundleState } from '../../../../src/adapters/policy/bundle/file-bundle-state.ts';
import type { PolicyBundleState, RollbackState } from '../../../../src/ports/policy/policy-bundle-state.ts';
import { SharedBundleState } from '../../../support/fakes/policy-bundle-state.ts';
import { HoldersFolder } from './holders.ts';

const NEVER = { signal: new AbortController().signal };
const FIRST: RollbackState = { name: 'corp-mesh', sequence: 1, digest: 'a'.repeat(64), latestSeenMs: 5 };

const next = (known: RollbackState | undefined): RollbackState =>
  known === undefined ? FIRST : { ...known, sequence: known.sequence + 1 };

for (const [what, make] of [
  ['in a file', (folder: HoldersFolder) => new FileBundleState(folder.file('state.json'))],
  ['that a test shares', () => new SharedBundleState()],
] as const) {
  describe(`A rollback state ${what}`, () => {
    let folder: HoldersFolder;
    let state: PolicyBundleState;
    beforeEach(() => {
      folder = new HoldersFolder();
      state = make(folder);
    });
    afterEach(() => folder[Symbol.dispose]());

    it('is nothing before the first policy bundle, then what was written', async () => {
      assert.equal(await state.read(NEVER), undefined);
      assert.deepEqual(await state.update(next, NEVER), FIRST);
      assert.deepEqual(await state.read(NEVER), FIRST);
    });

    it('stays when a change gives nothing, or throws', async () => {
      await state.update(next, NEVER);
      assert.deepEqual(await state.update(() => undefined, NEVER), FIRST);
      const refuse = (): never => {
        throw new Error('is a rollback');
      };
      await assert.rejects(state.update(refuse, NEVER), /is a rollback/);
      assert.deepEqual(await state.read(NEVER), FIRST);
    });

    it('loses no change of several at once', async () => {
      await Promise.all(Array.from({ length: 20 }, async () => state.update(next, NEVER)));
      assert.equal((await state.read(NEVER))?.sequence, 20);
    });

    it('is not changed by a call that was given up before', async () => {
      const reason = new Error('the server stops');
      await assert.rejects(state.update(next, { signal: AbortSignal.abort(reason) }), reason);
      assert.equal(await state.read(NEVER), undefined);
    });
  });
}

describe('A rollback state in a file', () => {
  let folder: HoldersFolder;
  beforeEach(() => (folder = new HoldersFolder()));
  afterEach(() => folder[Symbol.dispose]());

  it('is there for the next run', async () => {
    const file = folder.file('state.json');
    await new FileBundleState(file).update(next, NEVER);
    assert.deepEqual(await new FileBundleState(file).read(NEVER), FIRST);
    assert.equal(existsSync(`${file}.new`), false);
  });

  it('says which file it is that cannot be read, each time it is asked', async () => {
    const state = new FileBundleState(folder.file('state.json', '{"kind": "PolicyBundle'));
    for (const asked of [state.read(NEVER), state.update(next, NEVER)]) {
      await assert.rejects(asked, { reason: 'CAP-X03', message: /state\.json is not the rollback state/ });
    }
  });

  it('is what it was when it cannot be written, and can be written again later', async () => {
    const file = folder.file('state.json');
    const state = new FileBundleState(file);
    await state.update(next, NEVER);
    const blocked = `${file}.new`;
    mkdirSync(blocked);
    await assert.rejects(state.update(next, NEVER), { reason: 'CAP-X03', message: /state\.json cannot be written/ });
    assert.deepEqual(await state.read(NEVER), FIRST);
  });
});
