import assert from 'node:assert/strict';
import { MAX_REMEMBERED_TOKENS, VerifiedTokens } from '../../../../src/adapters/credentials/tokens/verified-tokens.ts';
import type { Caller } from '../../../../src/domain/identity/caller.ts';

describe('Tokens that were verified', () => {
  it('are remembered up to a bound; the oldest are forgotten first, and the younger half is known', () => {
    const caller = {} as Caller;
    const tokens = new VerifiedTokens();
    const known = (i: number): boolean => tokens.recall({ token: `token ${i}` }, 1) === caller;
    for (let i = 0; i <= MAX_REMEMBERED_TOKENS; i += 1) {
      tokens.remember({ token: `token ${i}` }, { caller, isInForce: () => true }, Infinity, 0);
    }
    const all = Array.from({ length: MAX_REMEMBERED_TOKENS + 1 }, (_, i) => i);
    const forgotten = all.filter((i) => !known(i));
    assert.ok(forgotten.length >= 1 && forgotten.length <= MAX_REMEMBERED_TOKENS / 2 + 1, `${forgotten.length}`);
    assert.deepEqual(forgotten, all.slice(0, forgotten.length));
  });
});
