import assert from 'node:assert/strict';
import { BundleOpener } from '../../../../src/adapters/policy/bundle/bundle-opener.ts';
import { pinKeys } from '../../../../src/adapters/policy/bundle/pinned-keys.ts';
import { bundleText, HOLDERS, signatureText } from './holders.ts';

const BUNDLE = bundleText();
const TEXTS = { place: 'a', bundle: BUNDLE, signaturePlace: 'a.sig', signature: signatureText(BUNDLE) };

describe('Bundles that are read again and again', () => {
  it('are verified once while they stay the same', () => {
    const opener = new BundleOpener(pinKeys(new Map([['ada.pub', HOLDERS.ada.publicPem]]), 1));
    const [first] = opener.open([TEXTS]);
    assert.ok(first !== undefined && 'bundle' in first);
    assert.equal(opener.open([{ ...TEXTS }])[0], first);
  });

  for (const [what, change] of [
    ['text', { bundle: BUNDLE.replace('pki@', 'mallory@') }],
    ['signature', { signature: signatureText(BUNDLE, ['eve']) }],
    ['place', { place: 'b' }],
  ] as const) {
    it(`are verified anew when their ${what} is another`, () => {
      const opener = new BundleOpener(pinKeys(new Map([['ada.pub', HOLDERS.ada.publicPem]]), 1));
      const [first] = opener.open([TEXTS]);
      const [second] = opener.open([{ ...TEXTS, ...change }]);
      assert.notEqual(second, first);
      assert.equal(second !== undefined && 'bundle' in second, what === 'place');
    });
  }

  it('are forgotten when they are no longer offered', () => {
    const opener = new BundleOpener('unsigned');
    const [first] = opener.open([TEXTS]);
    opener.open([]);
    assert.notEqual(opener.open([TEXTS])[0], first);
  });
});
