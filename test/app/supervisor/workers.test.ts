import assert from 'node:assert/strict';
import { Workers } from '../../../src/app/supervisor/workers.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { FakeClock, settle } from '../../support/fakes/fake-clock.ts';
import { recordEvents, type RecordedEvents } from '../../support/fakes/recorded-events.ts';
import { configOf } from '../support/running-server.ts';
import { FakeWorker } from './fake-workers.ts';

const never = { signal: new AbortController().signal };
const CONFIG = configOf({
  'issuer.chainFile': 'chain',
  'issuer.keyFile': 'key',
  'trustAnchors.file': 'anchors',
  'policy.bundle.file': 'bundle',
  'policy.bundle.unsigned': true,
  'journal.store': 'journal.db',
  'sds.sockets': [{ path: 's', namespace: 'default', serviceAccount: 'demo' }],
});

describe('The workers of a server', () => {
  let clock: FakeClock;
  let events: RecordedEvents;
  let forked: FakeWorker[];
  let workers: Workers;
  beforeEach(() => {
    clock = new FakeClock();
    events = recordEvents();
    forked = [];
    const fork = (): FakeWorker => {
      const worker = new FakeWorker(clock);
      forked.push(worker);
      return worker;
    };
    workers = new Workers(2, { clock, events, fork, place: (slot) => ({ slot, of: 2, config: CONFIG }) });
  });

  async function start(): Promise<void> {
    const started = workers.start(never);
    await settle();
    forked[0]!.ready({ tlsAddress: '127.0.0.1:1' });
    await settle();
    forked[1]!.ready();
    await started;
    await settle();
  }

  /** The worker that has the slot now. */
  function inSlot(slot: number): FakeWorker {
    return forked.findLast((worker) => worker.slot === slot) ?? assert.fail(`no worker had slot ${slot}`);
  }

  it('start one after the first, and one more process waits for a place', async () => {
    const started = workers.start(never);
    await settle();
    assert.deepEqual(
      forked.map(({ slot }) => slot),
      [1, undefined],
    );
    forked[0]!.ready({ tlsAddress: '127.0.0.1:1' });
    await settle();
    assert.equal(forked[1]!.slot, 2);
    assert.deepEqual(workers.health(), { state: 'degraded', why: 'worker 2 of 2 does not serve: it has not started' });
    forked[1]!.ready();
    assert.equal((await started).tlsAddress, '127.0.0.1:1');
    assert.deepEqual(workers.health(), { state: 'ready' });
    assert.deepEqual(
      forked.map(({ slot }) => slot),
      [1, 2, undefined],
    );
  });

  it('do not start for what the first of them cannot start for', async () => {
    const started = assert.rejects(workers.start(never), { reason: 'CAP-X03', detail: 'the key is missing' });
    await settle();
    forked[0]!.fail(new AuthorityError('CAP-X03', { detail: 'the key is missing' }));
    await started;
  });

  it('do not start when one ends without a word', async () => {
    const started = assert.rejects(workers.start(never), /a worker could not start: it was ended by SIGSEGV/);
    await settle();
    forked[0]!.gone('it was ended by SIGSEGV');
    await started;
  });

  it('are replaced by the process that waits, at once', async () => {
    await start();
    await clock.advance(5_000);
    const spare = forked[2]!;
    inSlot(2).gone('it was ended by SIGKILL');
    await clock.advance(0);
    assert.equal(spare.slot, 2);
    assert.match(JSON.stringify(workers.health()), /worker 2 of 2 does not serve: it was ended by SIGKILL/);
    spare.ready();
    await settle();
    assert.deepEqual(workers.health(), { state: 'ready' });
    assert.equal(events.of('workerLost').length, 1);
    assert.deepEqual(
      events.of('workerServes').map(({ slot }) => slot),
      [1, 2, 2],
    );
  });

  it('are replaced at once however often they are killed as soon as they serve', async () => {
    await start();
    for (let times = 0; times < 10; times += 1) {
      const killed = inSlot(2);
      killed.gone('it was ended by SIGKILL');
      await clock.advance(0);
      assert.notEqual(inSlot(2), killed, `no worker took the place of number ${times + 1}`);
      inSlot(2).ready();
      await settle();
    }
    assert.deepEqual(workers.health(), { state: 'ready' });
  });

  it('are killed and replaced when they do not answer for two seconds', async () => {
    const standing = new FakeWorker(clock, { still: true });
    const fork = (): FakeWorker => (forked.length === 1 ? (forked.push(standing), standing) : fresh());
    const fresh = (): FakeWorker => {
      const worker = new FakeWorker(clock);
      forked.push(worker);
      return worker;
    };
    workers = new Workers(2, { clock, events, fork, place: (slot) => ({ slot, of: 2, config: CONFIG }) });
    await start();
    await clock.advance(1_750);
    assert.deepEqual(standing.signals, []);
    await clock.advance(1_000);
    assert.deepEqual(standing.signals, ['kill']);
    assert.deepEqual(
      events.of('workerLost').map(({ slot, why }) => [slot, why]),
      [[2, 'it did not answer for 2000 ms and was killed']],
    );
    assert.notEqual(inSlot(2), standing);
  });

  it('are tried again more and more slowly while they cannot start', async () => {
    await start();
    await clock.advance(5_000);
    inSlot(2).gone('it ended with exit code 1');
    await clock.advance(0);
    const attempts: number[] = [];
    for (let seconds = 0; seconds < 16; seconds += 1) {
      const worker = inSlot(2);
      if (!attempts.includes(worker.pid)) attempts.push(worker.pid);
      if (!worker.link.closed.aborted) {
        worker.fail(new AuthorityError('CAP-X03', { detail: 'the key is missing' }));
        await settle();
        worker.gone('it ended with exit code 78');
        await settle();
        continue;
      }
      await clock.advance(1_000);
    }
    // At once, at once, after 1 s, 2 s, 4 s.
    assert.equal(attempts.length, 5);
    assert.equal(events.of('workerFailed').length, 5);
    assert.match(JSON.stringify(workers.health()), /worker 2 of 2 does not serve: CAP-X03 .*the key is missing/);
  });

  it('end in order, and are killed at the deadline; none takes their places', async () => {
    await start();
    const [first, second, spare] = forked as [FakeWorker, FakeWorker, FakeWorker];
    const drained = workers.drain({ deadlineMs: 5_000 });
    await settle();
    first.gone('it ended with exit code 0');
    await clock.advance(14_000);
    assert.deepEqual([first.signals, second.signals, spare.signals], [['end'], ['end'], ['kill']]);
    await clock.advance(1_000);
    await drained;
    assert.deepEqual(second.signals, ['end', 'kill']);
    assert.equal(forked.length, 3);
    assert.deepEqual(events.of('workerLost'), []);
    assert.equal(workers.health().state, 'not ready');
  });
});
