import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  CHAIN_KINDS,
  linkDigest,
  linked,
  openingPoint,
  type ChainOpening,
  type Link,
} from '../../../src/domain/audit/chain.ts';
import { canonicalJson } from '../../../src/domain/text/canonical-json.ts';

const OPENING: ChainOpening = { chain: '0123456789abcdef', kind: 'decision', server: 'capstan-0', openedMs: 1 };
const DIGEST = /^[0-9a-f]{64}$/;

const arbitraryLink: fc.Arbitrary<Link> = fc.record({
  chain: fc.string({ minLength: 1 }),
  kind: fc.constantFrom(...CHAIN_KINDS),
  sequence: fc.integer({ min: 1 }),
  record: fc.dictionary(fc.string(), fc.jsonValue()),
});
const arbitraryDigest = fc.stringMatching(DIGEST);

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

describe('A chain of records', () => {
  it('begins with the digest of its opening, as anybody can compute it', () => {
    const spelled = '{"chain":"0123456789abcdef","kind":"decision","openedMs":1,"server":"capstan-0"}';
    assert.deepEqual(openingPoint(OPENING), { sequence: 0, digest: sha256(spelled) });
  });

  it('links a record to the digest before it, as anybody can compute it', () => {
    const previous = openingPoint(OPENING).digest;
    const digest = linkDigest(previous, {
      ...OPENING,
      sequence: 1,
      record: { timeMs: 5, identity: undefined, api: 'csr' },
    });
    const spelled = '{"chain":"0123456789abcdef","kind":"decision","record":{"api":"csr","timeMs":5},"sequence":1}';
    assert.equal(digest, sha256(previous + spelled));
  });

  it('counts from 1 without gaps, and goes on from any point', () => {
    const records = [{ a: 1 }, { a: 2 }, { a: 3 }];
    const all = linked(OPENING, openingPoint(OPENING), records);
    assert.deepEqual(
      all.map(({ sequence }) => sequence),
      [1, 2, 3],
    );
    const [first] = all;
    assert.ok(first !== undefined);
    assert.deepEqual(linked(OPENING, first, records.slice(1)), all.slice(1));
    assert.deepEqual(linked(OPENING, first, []), []);
  });

  it('says in its opening which chain it goes on from', () => {
    const follows = { chain: 'fedcba9876543210', sequence: 7, digest: 'ab'.repeat(32) };
    assert.notEqual(openingPoint({ ...OPENING, follows }).digest, openingPoint(OPENING).digest);
    assert.notEqual(
      openingPoint({ ...OPENING, follows: { ...follows, sequence: 8 } }).digest,
      openingPoint({ ...OPENING, follows }).digest,
    );
  });

  it('has another digest for every other link, and for every other past', () => {
    fc.assert(
      fc.property(arbitraryDigest, arbitraryDigest, arbitraryLink, arbitraryLink, (before, other, link, changed) => {
        const digest = linkDigest(before, link);
        assert.match(digest, DIGEST);
        if (other !== before) assert.notEqual(linkDigest(other, link), digest);
        for (const field of ['chain', 'kind', 'sequence', 'record'] as const) {
          if (canonicalJson(changed[field]) === canonicalJson(link[field])) continue;
          assert.notEqual(linkDigest(before, { ...link, [field]: changed[field] }), digest, field);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('has another digest after a change of any earlier record', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ a: fc.string() }), { minLength: 1, maxLength: 20 }),
        fc.nat(),
        (records, pick) => {
          const changed = pick % records.length;
          const before = linked(OPENING, openingPoint(OPENING), records);
          const after = linked(
            OPENING,
            openingPoint(OPENING),
            records.map((record, index) => (index === changed ? { a: `${record.a}.` } : record)),
          );
          for (const [index, { digest }] of after.entries()) {
            assert.equal(digest === before[index]?.digest, index < changed);
          }
        },
      ),
    );
  });
});
