import assert from 'node:assert/strict';
import { isDnsLabel } from '../../../src/domain/text/dns-label.ts';

describe('A label of RFC 1123', () => {
  for (const text of ['a', '0', 'web-1', 'a'.repeat(63)]) {
    it(`is ${JSON.stringify(text)}`, () => assert.ok(isDnsLabel(text)));
  }

  for (const text of ['', '-a', 'a-', 'A', 'a.b', 'a_b', 'a\n', 'ä', 'a'.repeat(64)]) {
    it(`is not ${JSON.stringify(text)}`, () => assert.ok(!isDnsLabel(text)));
  }
});
