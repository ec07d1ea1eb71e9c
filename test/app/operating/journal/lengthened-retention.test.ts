// What a short retention took does not come back when an operator has records kept for longer: heads go on, and an export is proven
// against what a witness has kept since before.
import assert from 'node:assert/strict';
import { testAuthority } from '../../../support/certificates.ts';
import { ServerFiles } from '../../support/server-files.ts';
import { afterLengthening, DAY_MS, FIRST_DAYS_AGO } from './support/lengthened-retention.ts';

describe('A journal whose retention was lengthened', () => {
  it('goes on and is proven, also against heads that name what the shorter one took', async () => {
    using files = await ServerFiles.create(await testAuthority({ nowMs: Date.now() - (FIRST_DAYS_AGO + 1) * DAY_MS }));
    const { readiness, verified } = await afterLengthening(files, {});
    assert.doesNotMatch(readiness, /not what was signed/);
    assert.equal(verified.code, 0, verified.out);
    assert.match(verified.out, /^Proven: /m);
  });
});
