import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { LiveProgress, PATIENCE_MS } from '../../../src/authority/administration/live-progress.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { WorkloadEvidence } from '../../../src/domain/trust/rotation/evidence.ts';
import { begun, stepped, type AnchorRotation } from '../../../src/domain/trust/rotation/rotation.ts';
import { SettledTime } from '../../../src/live/settled-time.ts';
import { good } from '../../support/certificates.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';
import { workloadEvidence } from '../../support/trust/fake-evidence.ts';

const BY = { timeMs: NOON_MS, actor: 'CN:alice', role: 'security', reason: 'a drill' };
const anchor = (sha256: string) => ({ sha256, subject: `CN=${sha256}`, notAfterMs: NOON_MS + 1 });
const IN_PUBLISH: AnchorRotation = begun({ added: [anchor('new')], old: [anchor('old')], signing: [] }, BY);
const IN_ADOPT: AnchorRotation = good(stepped(IN_PUBLISH, 'advance', BY));

describe('The progress of a rotation, read from many workloads', () => {
  let clock: FakeClock;
  let stop: AbortController;
  let progress: LiveProgress;
  /** How each reading ends, in order. */
  let readings: PromiseWithResolvers<readonly WorkloadEvidence[]>[];
  beforeEach(() => {
    clock = new FakeClock();
    stop = new AbortController();
    readings = [];
    const reader = {
      async *liveWorkloads() {
        const reading = Promise.withResolvers<readonly WorkloadEvidence[]>();
        readings.push(reading);
        yield* await reading.promise;
      },
    };
    progress = new LiveProgress({ reader, clock, settled: new SettledTime(clock) }, stop);
  });
  afterEach(() => stop.abort());

  /** @returns how many workloads the answer knows of; nothing when it is to be asked for again. */
  const ask = async (rotation = IN_PUBLISH) => (await progress.look(rotation, stop))?.progress.all.workloads;
  /** Asks, and loses patience. */
  async function askInVain(rotation = IN_PUBLISH): Promise<number | undefined> {
    const asked = ask(rotation);
    await turn();
    await clock.advance(PATIENCE_MS);
    return asked;
  }
  async function end(reading: number, workloads: number): Promise<void> {
    readings[reading]?.resolve(Array.from({ length: workloads }, () => workloadEvidence()));
    await turn();
  }

  it('is read once for all who ask at the same time', async () => {
    const both = Promise.all([ask(), ask()]);
    await turn();
    await end(0, 3);
    assert.deepEqual(await both, [3, 3]);
    assert.equal(readings.length, 1);
  });

  it("is read anew for whoever asks after that, as long as it is read within anybody's patience", async () => {
    for (const [reading, workloads] of [2, 3].entries()) {
      const asked = ask();
      await turn();
      await clock.advance(PATIENCE_MS - 1);
      await end(reading, workloads);
      assert.equal(await asked, workloads);
    }
  });

  it('keeps nobody on the line, is read to its end all the same, and is known with its moment then', async () => {
    assert.equal(await askInVain(), undefined);
    await clock.advance(9_000);
    await end(0, 3);
    const known = await progress.look(IN_PUBLISH, stop);
    assert.deepEqual([known?.progress.all.workloads, known?.atMs], [3, NOON_MS]);
    assert.equal(readings.length, 1);
  });

  it('is read again after a rest, and what stands is answered until that is done, but not for long', async () => {
    assert.equal(await askInVain(), undefined);
    await end(0, 3);
    await clock.advance(4_999);
    assert.equal(await ask(), 3);
    await clock.advance(1);
    assert.equal(await askInVain(), 3, 'another reading goes on');
    assert.equal(readings.length, 2);
    await clock.advance(60_000);
    assert.equal(await askInVain(), undefined, 'that is too long ago');
    await end(1, 4);
    assert.equal(await ask(), 4);
  });

  it('of one phase says nothing of the next', async () => {
    assert.equal(await askInVain(), undefined);
    await end(0, 3);
    assert.equal(await ask(), 3);
    assert.equal(await askInVain(IN_ADOPT), undefined);
    await end(1, 2);
    assert.equal(await ask(IN_ADOPT), 2);
  });

  it('is refused to the next who asks when it failed after nobody waited any more', async () => {
    assert.equal(await askInVain(), undefined);
    readings[0]?.reject(new AuthorityError('CAP-S04', { detail: 'the journal is away' }));
    await turn();
    await assert.rejects(ask(), { reason: 'CAP-S04' });
    const again = ask();
    await turn();
    await end(1, 1);
    assert.equal(await again, 1);
  });
});
