import assert from 'node:assert/strict';
import { StartUp } from '../../src/app/start-up.ts';

const never = { signal: new AbortController().signal };

describe('Starting', () => {
  it('walks the phases in order, and within a phase starts the earliest part first', async () => {
    const startUp = new StartUp();
    const walked: string[] = [];
    for (const phase of ['listen', 'load', 'observe'] as const) {
      for (const name of ['first', 'second']) startUp.at(phase, () => void walked.push(`${phase} ${name}`));
    }
    await startUp.start(never);
    assert.deepEqual(walked, [
      'observe first',
      'observe second',
      'load first',
      'load second',
      'listen first',
      'listen second',
    ]);
  });

  it('waits for each part, and lets nobody in when one cannot start', async () => {
    const startUp = new StartUp();
    const walked: string[] = [];
    startUp.at('listen', () => void walked.push('listening'));
    startUp.at('storage', async () => {
      await Promise.resolve();
      walked.push('locked');
    });
    startUp.at('load', () => Promise.reject(new Error('no issuer')));
    await assert.rejects(startUp.start(never), /no issuer/);
    assert.deepEqual(walked, ['locked']);
  });
});
