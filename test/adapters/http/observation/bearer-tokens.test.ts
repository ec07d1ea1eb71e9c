import assert from 'node:assert/strict';
import { BearerTokens } from '../../../../src/adapters/http/observation/bearer-tokens.ts';

const [OLD, NEW] = ['o'.repeat(32), `${'n'.repeat(42)}=`];

describe('Bearer tokens for the pages about a server', () => {
  const taken = (text: string): BearerTokens => {
    const tokens = new BearerTokens();
    assert.equal(tokens.replace(text), undefined);
    return tokens;
  };

  it('open them as RFC 6750 has them shown', () => {
    const tokens = taken(`${OLD}\n`);
    for (const shown of [`Bearer ${OLD}`, `bearer  ${OLD} `]) assert.ok(tokens.isShownIn(shown), shown);
  });

  it('open them for as long as the file has them, one beside the other', () => {
    const tokens = taken(`${OLD}\r\n\n  ${NEW}`);
    assert.ok(tokens.isShownIn(`Bearer ${OLD}`) && tokens.isShownIn(`Bearer ${NEW}`));
    tokens.replace(NEW);
    assert.ok(!tokens.isShownIn(`Bearer ${OLD}`));
  });

  for (const [what, shown] of [
    ['nothing', ''],
    ['the scheme alone', 'Bearer'],
    ['an empty token', 'Bearer '],
    ['the beginning of a token', `Bearer ${OLD.slice(1)}`],
    ['more than a token', `Bearer ${OLD}o`],
    ['both tokens at once', `Bearer ${OLD} ${NEW}`],
    ['a password', `Basic ${Buffer.from(`scraper:${OLD}`).toString('base64')}`],
    ['the bare token', OLD],
  ] as const) {
    it(`open nothing to who shows ${what}`, () => assert.equal(taken(`${OLD}\n${NEW}`).isShownIn(shown), false));
  }

  it('are none before there is a file', () => assert.equal(new BearerTokens().isShownIn('Bearer '), false));

  for (const [what, text, problem] of [
    ['nothing', ' \n', /^has no token$/],
    ['a token that can be guessed', `${NEW}\nhunter2`, /^has no token in line 2: 32 to 4096 characters/],
    ['a token too long for a header', 'x'.repeat(4_097), /^has no token in line 1/],
    ['a token with a blank', `${OLD} ${NEW}`, /^has no token in line 1/],
    ['more than twenty', Array.from({ length: 21 }, (_, n) => `${OLD}${n}`).join('\n'), /^has more than 20 tokens$/],
  ] as const) {
    it(`stay as they were when the file has ${what}, and nothing of it is told`, () => {
      const tokens = taken(OLD);
      const told = tokens.replace(text) ?? '';
      assert.match(told, problem);
      assert.ok(!told.includes('hunter2') && !told.includes(OLD));
      assert.ok(tokens.isShownIn(`Bearer ${OLD}`));
    });
  }
});
