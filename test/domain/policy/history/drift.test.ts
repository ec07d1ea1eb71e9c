import assert from 'node:assert/strict';
import { digestDifferences, type PolicyDigest } from '../../../../src/domain/policy/history/drift.ts';

const bundle = (digest: string, name = 'corp'): PolicyDigest => ({ kind: 'PolicyBundle', name, digest });
const local = (digest: string, name = 'web'): PolicyDigest => ({
  kind: 'IssuancePolicy',
  namespace: 'shop',
  name,
  digest,
});

describe('Policies in force and those that Git keeps', () => {
  const table: readonly [string, readonly PolicyDigest[], readonly PolicyDigest[], readonly string[]][] = [
    ['are the same with the same digests, in any order', [bundle('1'), local('2')], [local('2'), bundle('1')], []],
    ['differ by digest', [local('1')], [local('2')], ['IssuancePolicy shop/web: 1, 2']],
    ['differ when Git does not keep one', [local('1')], [], ['IssuancePolicy shop/web: 1, -']],
    ['differ when one is not in force', [], [local('1')], ['IssuancePolicy shop/web: -, 1']],
    [
      'are told apart by kind',
      [{ ...local('1'), kind: 'Other' }],
      [local('1')],
      ['IssuancePolicy shop/web: -, 1', 'Other shop/web: 1, -'],
    ],
    ["may be kept beside other clusters' bundles", [bundle('1')], [bundle('1'), bundle('9', 'other')], []],
    ['need one bundle of several to be the one in force', [bundle('1')], [bundle('0'), bundle('1')], []],
    [
      'differ when none of several bundles is in force',
      [bundle('2')],
      [bundle('0'), bundle('1')],
      ['PolicyBundle corp: 2, 1'],
    ],
  ];
  for (const [what, inForce, kept, expected] of table) {
    it(what, () => {
      assert.deepEqual(
        digestDifferences(inForce, kept).map(
          ({ title, inForce: used, kept: other }) => `${title}: ${used?.digest ?? '-'}, ${other?.digest ?? '-'}`,
        ),
        expected,
      );
    });
  }
});
