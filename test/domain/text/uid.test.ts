import assert from 'node:assert/strict';
import { isUid } from '../../../src/domain/text/uid.ts';

describe('A UID', () => {
  it('is told from the name of a pod', () => {
    assert.ok(isUid('5f0c2d1e-9a7b-4c3d-8e2f-0123456789ab'));
    for (const name of ['web-7d4b9c6f5-x2x9z', 'web-0', '', '5f0c2d1e-9a7b-4c3d-8e2f-0123456789ab-0'])
      assert.ok(!isUid(name));
  });
});
