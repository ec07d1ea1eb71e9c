import assert from 'node:assert/strict';
import { MAX_REMEMBERED_TOKENS, VerifiedTokens } from '../../../../src/adapters/credentials/tokens/verified-tokens.ts';
import type { Caller } from '../../../../src/domain/identity/caller.ts';

describe('Tokens that were verified', () => {
  it('are remembered up to a bound; the oldest is forgotten first', () => {
    const caller = {} as Caller;
    const tokens = new VerifiedTokens();
    for (let i = 0; i <= MAX_REMEMBERED_TOKENS; i += 1) {
      tokens.remember(`token ${i}`, { caller, isInForce: () => true }, Infinity, 0);
    }
    assert.equal(tokens.size, MAX_REMEMBERED_TOKENS);
    assert.equal(tokens.recall('token 0', 1), undefined);
    assert.equal(tokens.recall('token 1', 1), caller);
  });
});
