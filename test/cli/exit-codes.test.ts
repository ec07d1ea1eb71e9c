import assert from 'node:assert/strict';
import { complainOf } from '../../src/cli/complaints.ts';
import { CommandError, EXIT, exitCodeOf, exitCodeOfRefusal } from '../../src/cli/exit-codes.ts';
import { AuthorityError } from '../../src/domain/errors.ts';
import type { Reason } from '../../src/domain/reasons.ts';
import { recordTerminal } from './support/recorded-terminal.ts';

/** One reason of each kind of answer. */
const EXPECTED: readonly (readonly [Reason, number])[] = [
  ['CAP-A05', 77],
  ['CAP-A07', 77],
  ['CAP-C06', 77],
  ['CAP-P01', 77],
  ['CAP-C02', 65],
  ['CAP-C04', 65],
  ['CAP-K02', 65],
  ['CAP-M01', 65],
  ['CAP-M04', 65],
  ['CAP-Q01', 75],
  ['CAP-S07', 75],
  ['CAP-Q03', 75],
  ['CAP-X02', 75],
  ['CAP-S01', 69],
  ['CAP-S04', 69],
  ['CAP-X01', 70],
  ['CAP-X03', 78],
];

describe('An exit code', () => {
  for (const [reason, code] of EXPECTED) {
    it(`is ${code} for ${reason}, whether it happened here or at the server`, () => {
      assert.equal(exitCodeOf(new AuthorityError(reason)), code);
      assert.equal(exitCodeOfRefusal({ status: 'INTERNAL', message: `${reason} some words` }), code);
    });
  }

  it('follows the status of a server that gives no reason of ours', () => {
    const of = (status: string, message = 'words'): number => exitCodeOfRefusal({ status, message });
    assert.deepEqual(
      ['PERMISSION_DENIED', 'INVALID_ARGUMENT', 'RESOURCE_EXHAUSTED', 'UNAVAILABLE', 'INTERNAL'].map((name) =>
        of(name),
      ),
      [77, 65, 75, 69, 70],
    );
    assert.equal(of('UNAVAILABLE', 'CAP-Z99 a reason of a newer server'), 69);
    assert.equal(of('INTERNAL', 'CAP-X00 internal error'), 70);
  });

  it('comes with one line that says what went wrong', () => {
    const { terminal, lines } = recordTerminal();
    assert.equal(complainOf(new CommandError(EXIT.noInput, 'cannot read a file'), terminal), 66);
    assert.equal(complainOf(new AuthorityError('CAP-X03', { detail: 'port taken' }), terminal), 78);
    assert.equal(complainOf(new TypeError('oh no'), terminal), 70);
    const [first, second, third] = lines();
    assert.equal(first, '! capstan: cannot read a file');
    assert.equal(second, '! capstan: CAP-X03 the configuration is invalid: port taken');
    assert.match(third ?? '', /^! capstan: internal error, please report it: TypeError: oh no \(at /);
    assert.equal(lines().length, 3);
  });

  it('comes with the whole reason when a configuration is wrong, however long the path in it', () => {
    const { terminal, error } = recordTerminal();
    const detail = `/etc/${'long/'.repeat(100)}chain.pem certificate CN=Bad\nmay not stand above TLS clients`;
    complainOf(new AuthorityError('CAP-X03', { detail }), terminal);
    assert.equal(error(), `capstan: CAP-X03 the configuration is invalid: ${detail.replace('\n', ' ')}\n`);
  });
});
