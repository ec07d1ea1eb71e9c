import assert from 'node:assert/strict';
import { Lifecycle } from '../../src/app/lifecycle.ts';
import { Readiness } from '../../src/app/readiness.ts';
import { degradedBy, notReadyBy, READY, type HealthState } from '../../src/ports/platform/health.ts';

describe('Shutting down', () => {
  it('walks the phases in order, and within a phase stops the latest part first', async () => {
    const lifecycle = new Lifecycle();
    const walked: string[] = [];
    for (const phase of ['flush', 'drain', 'not-ready'] as const) {
      for (const name of ['first', 'second']) lifecycle.at(phase, name, () => void walked.push(`${phase} ${name}`));
    }
    await lifecycle.shutDown(assert.fail);
    assert.deepEqual(walked, [
      'not-ready second',
      'not-ready first',
      'drain second',
      'drain first',
      'flush second',
      'flush first',
    ]);
  });

  it('goes on when one part fails, and says which', async () => {
    const lifecycle = new Lifecycle();
    const told: string[] = [];
    lifecycle.at('flush', 'journal', () => void told.push('journal flushed'));
    lifecycle.at('drain', 'streams', () => Promise.reject(new Error('stuck')));
    await lifecycle.shutDown((name, cause) => told.push(`${name}: ${String(cause)}`));
    assert.deepEqual(told, ['streams: Error: stuck', 'journal flushed']);
  });

  it('happens once', async () => {
    const lifecycle = new Lifecycle();
    let times = 0;
    lifecycle.at('flush', 'count', () => void (times += 1));
    await Promise.all([lifecycle.shutDown(assert.fail), lifecycle.shutDown(assert.fail)]);
    assert.equal(times, 1);
  });
});

describe('Readiness', () => {
  it('names each part, and says why one is degraded or not ready', () => {
    const readiness = new Readiness();
    readiness.report('sockets', () => degradedBy('one path is taken'));
    readiness.report('policy', () => degradedBy(undefined));
    readiness.report('issuer', () => notReadyBy('the issuer certificate has expired'));
    assert.deepEqual(readiness.parts(), [
      { part: 'sockets', state: 'degraded', why: 'one path is taken' },
      { part: 'policy', state: 'ready' },
      { part: 'issuer', state: 'not ready', why: 'the issuer certificate has expired' },
    ]);
  });

  it('reads each part anew, and lets no part hide another of its name', () => {
    const readiness = new Readiness();
    let state: HealthState = READY;
    readiness.report('issuer', () => state);
    assert.deepEqual(readiness.parts(), [{ part: 'issuer', state: 'ready' }]);
    state = notReadyBy('it has expired');
    assert.deepEqual(readiness.parts(), [{ part: 'issuer', state: 'not ready', why: 'it has expired' }]);
    assert.throws(() => readiness.report('issuer', () => READY), /two parts report themselves as issuer/);
  });
});
