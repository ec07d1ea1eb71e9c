import assert from 'node:assert/strict';
import { DerError, DerReader, DerWriter, der, dotted, oid, TAG } from '../../../src/domain/x509/der.ts';
import { tlv } from '../../vectors/csr/der-parts.ts';

function reader(hex: string): DerReader {
  return DerReader.over(Buffer.from(hex, 'hex'));
}

describe('The DER reader', () => {
  it('reads what an independent writer wrote, at every border of the length forms', () => {
    for (const length of [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff]) {
      const bytes = tlv(TAG.octetString, Buffer.alloc(length, 7));
      const from = DerReader.over(bytes);
      assert.equal(from.read(TAG.octetString, 'it').length, length);
      from.finish('it');
    }
  });

  const refused: readonly [what: string, hex: string, problem: RegExp][] = [
    ['nothing', '', /missing/],
    ['another tag', '0500', /of another type/],
    ['a tag of several bytes', '3f8101', /of another type/],
    ['a tag without a length', '04', /truncated/],
    ['contents cut short', '040201', /truncated/],
    ['a length cut short', '0482', /not minimal|truncated/],
    ['an indefinite length', '048000000000', /unacceptable length/],
    ['a reserved length', '04ff', /unacceptable length/],
    ['a length of three bytes', '0483000001ff', /unacceptable length/],
    ['a long form where the short one fits', '04817f', /not minimal/],
    ['two length bytes where one fits', '048200ff', /not minimal/],
  ];
  for (const [what, hex, problem] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => reader(hex).read(TAG.octetString, 'it'),
        (error) => {
          assert.ok(error instanceof DerError);
          assert.match(error.message, problem);
          return true;
        },
      );
    });
  }

  it('does not read beyond the element it was sent into', () => {
    const inner = reader('3002040304').enter(TAG.sequence, 'outer');
    assert.throws(() => inner.read(TAG.octetString, 'inner'), /truncated/);
    const headless = reader('30010400').enter(TAG.sequence, 'outer');
    assert.throws(() => headless.read(TAG.octetString, 'inner'), /truncated/);
  });

  it('insists on the end', () => {
    const from = reader('050000');
    from.read(TAG.null, 'it');
    assert.throws(() => from.finish('it'), /trailing bytes/);
  });

  it('steps over exactly what is expected, or not at all', () => {
    const from = reader('0201000500');
    assert.equal(from.skip(Uint8Array.of(2, 1, 1)), false);
    assert.equal(from.skip(Uint8Array.of(2, 1, 0)), true);
    assert.equal(from.skip(Uint8Array.of(5, 0, 0)), false);
    assert.equal(from.skip(Uint8Array.of(5, 0)), true);
    assert.equal(from.done, true);
  });

  it('takes bit strings of whole bytes only', () => {
    assert.deepEqual(Uint8Array.from(reader('030200aa').readBits('it')), Uint8Array.of(0xaa));
    for (const hex of ['0300', '030201aa']) assert.throws(() => reader(hex).readBits('it'), /unused bits/);
  });
});

describe('The DER writer', () => {
  it('writes the shortest length, at every border', () => {
    for (const length of [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff]) {
      const body = Buffer.alloc(length, 7);
      assert.deepEqual(Buffer.from(der(TAG.octetString, body)), tlv(TAG.octetString, body));
    }
  });

  it('nests from the inside out', () => {
    const writer = new DerWriter(64);
    const end = writer.mark;
    writer.putLatin1('ab');
    writer.wrap(TAG.octetString, end);
    writer.put(Uint8Array.of(5, 0));
    writer.wrap(TAG.sequence, end);
    assert.equal(Buffer.from(writer.finish()).toString('hex'), '3006' + '0500' + '04026162');
  });

  it('does not hand out more than it has room for', () => {
    const tight = new DerWriter(2);
    assert.throws(() => tight.put(new Uint8Array(3)), RangeError);
    const headless = new DerWriter(2);
    headless.put(new Uint8Array(2));
    headless.wrap(TAG.sequence, 2);
    assert.throws(() => headless.finish(), RangeError);
  });
});

describe('An object identifier', () => {
  it('reads as it was written', () => {
    for (const text of ['2.5.29.17', '1.2.840.113549.1.9.14', '1.3.132.0.34', '0.9.2342.19200300.100.1.25']) {
      assert.equal(dotted(oid(text).subarray(2)), text);
    }
  });

  it('is called unreadable when it has no dotted form', () => {
    assert.equal(dotted(new Uint8Array(0)), 'an unreadable OID');
    assert.equal(dotted(new Uint8Array(20).fill(0xff)), 'an unreadable OID');
  });
});
