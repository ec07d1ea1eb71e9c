import assert from 'node:assert/strict';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { LATE_MS, PROMPT_PER_SECOND, RefusalDelay } from '../../../src/adapters/grpc/refusal-delay.ts';

const NOBODY = new AuthorityError('CAP-A05');

/** @returns how many of so many refusals were answered at once, and when the last one was. */
async function refusing(delay: RefusalDelay, owner: string, error: unknown, times: number) {
  const began = performance.now();
  let prompt = 0;
  let answered = 0;
  await new Promise<void>((resolve) => {
    let asking = true;
    const answer = (): void => {
      if (asking) prompt += 1;
      answered += 1;
      if (answered === times) resolve();
    };
    for (let i = 0; i < times; i += 1) delay.answer(owner, error, answer);
    asking = false;
  });
  return { prompt, tookMs: performance.now() - began };
}

describe('The delay of refusals', () => {
  it('is prompt for a few, and slow for whoever is refused again and again; all are answered', async () => {
    const delay = new RefusalDelay();
    const { prompt, tookMs } = await refusing(delay, '192.0.2.7', NOBODY, 100);
    // A second may have begun meanwhile.
    assert.ok(prompt >= PROMPT_PER_SECOND && prompt <= 2 * PROMPT_PER_SECOND, String(prompt));
    assert.ok(tookMs >= LATE_MS - 1, String(tookMs));
  });

  it('is prompt for everybody else', async () => {
    const delay = new RefusalDelay();
    const flood = refusing(delay, '192.0.2.7', NOBODY, 100);
    assert.equal((await refusing(delay, '192.0.2.8', NOBODY, 10)).prompt, 10);
    await flood;
  });
});
