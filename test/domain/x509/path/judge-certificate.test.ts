import assert from 'node:assert/strict';
import { inSentence } from '../../../../src/domain/x509/path/path-problem.ts';
import { judgeCertificate } from '../../../../src/domain/x509/path/judge-certificate.ts';
import { readPathCertificate } from '../../../../src/domain/x509/path/certificate.ts';
import { good } from '../../../support/certificates.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { makePath, PATH_CASES } from '../../../support/paths/path-cases.ts';
import { tiersAt, type Tier } from '../../../support/paths/tiers.ts';

const read = ({ der }: Tier) => good(readPathCertificate(der));

describe('A path from a leaf to a trust anchor', () => {
  for (const one of PATH_CASES) {
    it(`${one.refused === undefined ? 'holds' : 'is refused'} with ${one.name}`, async () => {
      const { anchors, upper, issuer, leaf } = await makePath(one, NOON_MS);
      const verdict = judgeCertificate(read(leaf), [read(issuer), read(upper)], anchors.map(read), NOON_MS);
      const problems = [...verdict.problems, ...verdict.untimely].map(inSentence);
      assert.equal(verdict.path?.length, one.anchors?.[0] === 'upper' ? 3 : 4);
      if (one.refused === undefined) assert.deepEqual(problems, []);
      else assert.match(problems.join('; '), one.refused);
    });
  }

  it('is the one that holds, of several, whatever the order of what is given', async () => {
    const tier = tiersAt(NOON_MS);
    const [oldRoot, newRoot] = [await tier('Old'), await tier('New')];
    const issuer = await tier('Issuer', { by: newRoot });
    const cross = await tier('New', { by: oldRoot, keys: newRoot.keys, endsInDays: -0.5 });
    for (const given of [
      [issuer, cross],
      [cross, issuer],
    ]) {
      const [first, second] = [read(issuer), read(cross)];
      const list = given[0] === issuer ? [first, second] : [second, first];
      assert.deepEqual(judgeCertificate(first, list, [read(oldRoot), read(newRoot)], NOON_MS).problems, []);
      assert.equal(judgeCertificate(first, list, [read(newRoot)], NOON_MS).path?.length, 2);
      assert.match(
        judgeCertificate(first, list, [read(oldRoot)], NOON_MS)
          .untimely.map(inSentence)
          .join(),
        /CN=New ended/,
      );
    }
  });

  it('ends among cross-signatures in a circle', async () => {
    const tier = tiersAt(NOON_MS);
    const [a, b] = [await tier('A'), await tier('B')];
    const ab = await tier('A', { by: b, keys: a.keys });
    const ba = await tier('B', { by: a, keys: b.keys });
    const stranger = await tier('Root');
    const verdict = judgeCertificate(read(ab), [read(ba), read(ab)], [read(stranger)], NOON_MS);
    assert.equal(verdict.path, undefined);
  });
});
