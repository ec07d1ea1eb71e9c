// What policy leaves of the usages is what the certificate carries, and the second reader agrees.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { workloadProfile } from '../../../src/domain/x509/profile.ts';
import { confirmCertificate } from '../../../src/domain/x509/second-opinion.ts';
import { usableForTls, USAGES, type Usage } from '../../../src/domain/x509/usage.ts';
import { testAuthority } from '../../support/certificates.ts';
import { ecKeys } from '../../vectors/csr/der-parts.ts';
import { contentsFor, issue } from './shapes.ts';

const SUBSETS = Array.from({ length: 2 ** USAGES.length }, (_, bits) =>
  USAGES.filter((_usage, index) => (bits & (1 << index)) !== 0),
);
const PURPOSES: readonly (readonly [Usage, string])[] = [
  ['serverAuth', '1.3.6.1.5.5.7.3.1'],
  ['clientAuth', '1.3.6.1.5.5.7.3.2'],
];

describe('The workload profile narrowed by policy', () => {
  for (const usages of SUBSETS.filter(usableForTls)) {
    it(`carries ${usages.join(', ')} and nothing else`, async () => {
      const authority = await testAuthority();
      const contents = { ...contentsFor(authority, ecKeys().spki), profile: workloadProfile(usages) };
      const { der } = await issue(authority, contents);
      confirmCertificate(der, contents);
      const expected = PURPOSES.filter(([usage]) => usages.includes(usage)).map(([, oid]) => oid);
      assert.deepEqual(new X509Certificate(der).keyUsage, expected);
      for (const other of SUBSETS.filter(usableForTls)) {
        if (other.join() === usages.join()) continue;
        assert.throws(() => confirmCertificate(der, { ...contents, profile: workloadProfile(other) }));
      }
    });
  }
});
