import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BundleCopy, readCopy } from '../../../../src/adapters/policy/bundle/sources/kept-copy.ts';
import {
  relayedBundleCopy,
  serveBundleCopy,
  type KeepBundle,
} from '../../../../src/adapters/processes/relays/bundle-copy.ts';
import { NEVER } from '../../../../src/live/abortable.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { linkedPair } from '../../../support/fakes/linked-pair.ts';

const WAITING = { signal: NEVER };

describe('The copy of a policy bundle that a supervisor keeps for its workers', () => {
  let directory: string;
  let file: string;
  let workers: readonly KeepBundle[];
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'capstan-copy-'));
    file = path.join(directory, 'state.json.copy');
    const copy = new BundleCopy(file);
    workers = [1, 2].map(() => {
      const { supervisor, worker } = linkedPair(new FakeClock());
      serveBundleCopy(supervisor, async (...kept) => copy.keep(...kept));
      return relayedBundleCopy(worker);
    });
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const offer = (sequence: number, name = 'corp-mesh') => ({
    name,
    sequence,
    bundle: `${name}@${sequence}`,
    signature: 's',
  });
  const kept = async (): Promise<string | undefined> => (await readCopy(file))?.bundle;

  it('is the newest that any of them accepted, in whichever order they come', async () => {
    await workers[0]?.(offer(43), WAITING);
    await workers[1]?.(offer(42), WAITING);
    assert.equal(await kept(), 'corp-mesh@43');
    await workers[1]?.(offer(44), WAITING);
    assert.equal(await kept(), 'corp-mesh@44');
    await workers[0]?.(offer(1, 'another'), WAITING);
    assert.equal(await kept(), 'another@1', 'sequences are counted by name');
  });

  it('is written by one at a time', async () => {
    await Promise.all([1, 2, 3, 4].map(async (n) => workers[n % 2]?.(offer(n), WAITING)));
    assert.equal(await kept(), 'corp-mesh@4');
    assert.deepEqual(readdirSync(directory), ['state.json.copy']);
  });

  it('says why it cannot be written, so that the bundle stays out', async () => {
    rmSync(directory, { recursive: true });
    await assert.rejects(workers[0]?.(offer(1), WAITING) ?? assert.fail(), { reason: 'CAP-X03' });
    await assert.rejects(workers[0]?.(offer(1), WAITING) ?? assert.fail(), /state.json.copy/);
    directory = mkdtempSync(path.join(tmpdir(), 'capstan-copy-'));
  });
});
