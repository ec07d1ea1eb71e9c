import assert from 'node:assert/strict';
import { decodePem, decodePemBlocks, encodePem } from '../../../src/domain/x509/pem.ts';

const BYTES = Uint8Array.from({ length: 100 }, (_, index) => index);
const ONE = encodePem('CERTIFICATE', BYTES);

function refuses(text: string, problem: RegExp): void {
  const result = decodePem(text, 'CERTIFICATE');
  assert.ok('problem' in result, 'was decoded');
  assert.match(result.problem, problem);
}

describe('A PEM block', () => {
  it('is written in lines of 64 columns and ends with a newline', () => {
    const lines = ONE.split('\n');
    assert.deepEqual(
      lines.map((line) => line.length),
      [27, 64, 64, 8, 25, 0],
    );
  });

  it('is read as it was written, whatever its length', () => {
    for (let length = 1; length < 150; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => index * 7);
      assert.deepEqual(Uint8Array.from(decoded(encodePem('X', bytes), 'X')), bytes);
    }
  });

  it('may have white space around it and other line ends', () => {
    for (const text of [`\n\n  ${ONE}\t\n`, ONE.replaceAll('\n', '\r\n'), ONE.trim()]) {
      assert.deepEqual(Uint8Array.from(decoded(text)), BYTES);
    }
  });

  it('is refused with anything else around it, or of another type', () => {
    refuses('', /does not start/);
    refuses(`x${ONE}`, /does not start/);
    refuses(`${ONE}x`, /more than one/);
    refuses(ONE + ONE, /more than one/);
    refuses(ONE.replaceAll('CERTIFICATE', 'PRIVATE KEY'), /does not start/);
    refuses(ONE.replace('END CERTIFICATE', 'END CERTIFICATES'), /does not end/);
    refuses(ONE.slice(0, 60), /does not end/);
  });

  it('is refused when its body is not exactly base64', () => {
    const wrap = (body: string): string => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
    for (const body of [
      '',
      '=',
      'AAA',
      'AAAA=',
      'AA=A',
      'AB==',
      'AA_-',
      'A*AAA',
      'AAAA\u00a0',
      'AAAA\0',
      'A: b\n\nAAAA',
    ]) {
      refuses(wrap(body), /not base64/);
    }
  });
});

describe('PEM blocks', () => {
  it('may have comments between them', () => {
    const blocks = decodePemBlocks(`# ours\n${ONE}# theirs\r\n${ONE}\n# end`, 'CERTIFICATE');
    assert.ok(!('problem' in blocks));
    assert.equal(blocks.length, 2);
  });

  it('are refused when one is of another type, unfinished or not base64, or when there is none', () => {
    const cases: readonly [string, RegExp][] = [
      [ONE + ONE.replaceAll('CERTIFICATE', 'PRIVATE KEY'), /not CERTIFICATE/],
      [ONE + ONE.slice(0, 80), /unfinished/],
      [ONE.replace('BEGIN', 'BEGUN'), /no PEM block/],
      [`-----BEGIN CERTIFICATE-----\n${ONE}`, /unfinished/],
      [ONE.replace('AAEC', '!!!!'), /not base64/],
      ['', /no PEM block/],
    ];
    for (const [text, problem] of cases) {
      const result = decodePemBlocks(text, 'CERTIFICATE');
      assert.ok('problem' in result, text);
      assert.match(result.problem, problem);
    }
  });
});

function decoded(text: string, label = 'CERTIFICATE'): Uint8Array {
  const result = decodePem(text, label);
  assert.ok(!('problem' in result), JSON.stringify(result));
  return result;
}
