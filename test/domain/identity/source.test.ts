import assert from 'node:assert/strict';
import { sourceOf } from '../../../src/domain/identity/source.ts';

const SOURCES: readonly (readonly [remoteAddress: string, source: string])[] = [
  ['192.0.2.7:40000', '192.0.2.7'],
  ['::ffff:192.0.2.7:40000', '192.0.2.7'],
  ['[::ffff:192.0.2.7]:40000', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6:40000', '2001:db8:1:2::/64'],
  ['[2001:db8:1:2::6]:40000', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::6:40000', '2001:db8:1:2::/64'],
  ['2001:db8::6:40000', '2001:db8:0:0::/64'],
  ['2001:db8:0:0:1::6:40000', '2001:db8:0:0::/64'],
  ['::1:40000', '0:0:0:0::/64'],
  ['fe80::1%eth0:40000', 'fe80:0:0:0::/64'],
  ['unix:/run/capstan/a.sock', 'unix:/run/capstan/a.sock'],
  ['unknown', 'unknown'],
];

describe('The source of a caller', () => {
  for (const [remoteAddress, source] of SOURCES) {
    it(`of ${remoteAddress} is ${source}`, () => assert.equal(sourceOf(remoteAddress), source));
  }
});
