import assert from 'node:assert/strict';
import { PolicyBundleVerifier } from '../../../../src/adapters/policy/bundle/bundle-verifier.ts';
import { pinKeys } from '../../../../src/adapters/policy/bundle/pinned-keys.ts';
import { bundleText, HOLDERS, signatureText } from './holders.ts';

const BUNDLE = bundleText();
const TEXTS = { place: 'a', bundle: BUNDLE, signaturePlace: 'a.sig', signature: signatureText(BUNDLE) };

describe('Bundles that are read again and again', () => {
  it('are verified once while they stay the same', () => {
    const verifier = new PolicyBundleVerifier(pinKeys(new Map([['ada.pub', HOLDERS.ada.publicPem]]), 1));
    const [first] = verifier.verify([TEXTS]);
    assert.ok(first !== undefined && 'bundle' in first);
    assert.equal(verifier.verify([{ ...TEXTS }])[0], first);
  });

  for (const [what, change] of [
    ['text', { bundle: BUNDLE.replace('pki@', 'mallory@') }],
    ['signature', { signature: signatureText(BUNDLE, ['eve']) }],
    ['place', { place: 'b' }],
  ] as const) {
    it(`are verified anew when their ${what} is another`, () => {
      const verifier = new PolicyBundleVerifier(pinKeys(new Map([['ada.pub', HOLDERS.ada.publicPem]]), 1));
      const [first] = verifier.verify([TEXTS]);
      const [second] = verifier.verify([{ ...TEXTS, ...change }]);
      assert.notEqual(second, first);
      assert.equal(second !== undefined && 'bundle' in second, what === 'place');
    });
  }

  it('are forgotten when they are no longer offered', () => {
    const verifier = new PolicyBundleVerifier('unsigned');
    const [first] = verifier.verify([TEXTS]);
    verifier.verify([]);
    assert.notEqual(verifier.verify([TEXTS])[0], first);
  });
});
