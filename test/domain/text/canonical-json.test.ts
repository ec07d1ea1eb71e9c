import assert from 'node:assert/strict';
import fc from 'fast-check';
import { canonicalJson } from '../../../src/domain/text/canonical-json.ts';

describe('The canonical spelling of JSON (RFC 8785)', () => {
  const spellings: readonly [what: string, value: unknown, text: string][] = [
    ['has no white space', { a: [1, { b: null }], c: true }, '{"a":[1,{"b":null}],"c":true}'],
    [
      'sorts members by UTF-16 code units, not by letters',
      { é: 1, z: 2, Z: 3, '10': 4, '9': 5 },
      '{"10":4,"9":5,"Z":3,"z":2,"é":1}',
    ],
    // U+1F600 is D83D DE00 in UTF-16 and therefore comes before U+FB33, though its code point is greater.
    ['sorts beyond the first plane by surrogates', { '\uFB33': 1, '\u{1F600}': 2 }, '{"\u{1F600}":2,"\uFB33":1}'],
    ['sorts within every level', [{ b: { d: 1, c: 2 }, a: 3 }], '[{"a":3,"b":{"c":2,"d":1}}]'],
    ['keeps the order of lists', ['b', 'a', 'b'], '["b","a","b"]'],
    ['escapes only what must be', '€$\u000f\nA\'B"\\/\u007f', '"€$\\u000f\\nA\'B\\"\\\\/\u007f"'],
    ['has the short escapes of JSON', '\b\t\n\f\r', '"\\b\\t\\n\\f\\r"'],
    ['spells other control characters in lower-case hex', '\u0000\u001f', '"\\u0000\\u001f"'],
    ['keeps text as it is, composed or not', 'e\u0301', '"e\u0301"'],
    ['drops the sign of zero', -0, '0'],
    ['drops what a number does not need', [1.0, 4.5, 2e-3, 1e-27, 1e21], '[1,4.5,0.002,1e-27,1e+21]'],
    ['spells large whole numbers out', 333333333.33333329, '333333333.3333333'],
    ['leaves out what is undefined', { a: undefined, b: 1 }, '{"b":1}'],
    [
      'keeps names that objects have of themselves',
      JSON.parse('{"toString":2,"__proto__":1}'),
      '{"__proto__":1,"toString":2}',
    ],
  ];
  for (const [what, value, text] of spellings) it(what, () => assert.equal(canonicalJson(value), text));

  const unspeakable: readonly [what: string, value: unknown][] = [
    ['a lone surrogate in a value', { a: '\ud800' }],
    ['a lone surrogate in a name', { '\udc00': 1 }],
    ['a number that is none', [NaN]],
    ['infinity', Infinity],
    ['a big integer', 1n],
    ['a function', () => 1],
    ['undefined by itself', undefined],
  ];
  for (const [what, value] of unspeakable) {
    it(`refuses ${what}`, () => assert.throws(() => canonicalJson(value), TypeError));
  }

  it('says the same as the JSON that it is given', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 200 },
    );
  });

  it('is one, in whichever order members were written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse());
        assert.equal(canonicalJson(reversed), canonicalJson(object));
      }),
      { numRuns: 200 },
    );
  });
});
