// What an encrypted key may ask of the process that opens it. That real keys open is in the tests of the opener.
import assert from 'node:assert/strict';
import { der, oid, TAG } from '../../../../src/domain/x509/der.ts';
import { encryptionProblem } from '../../../../src/adapters/issuers/memory/key-encryption.ts';

const SALT = der(TAG.octetString, Buffer.alloc(16, 7));
const AES_256 = '2.16.840.1.101.3.4.1.42';

function integer(value: number): Uint8Array {
  const hex = value.toString(16).padStart(16, '0');
  const bytes = Buffer.from(hex, 'hex');
  const first = Math.min(
    bytes.findIndex((byte) => byte !== 0),
    7,
  );
  return der(TAG.integer, (bytes[first] ?? 0) >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0), bytes.subarray(first));
}

const sequence = (...parts: readonly Uint8Array[]): Uint8Array => der(TAG.sequence, ...parts);

function encrypted(derivation: Uint8Array, cipher = AES_256): Uint8Array {
  const scheme = sequence(oid(cipher), der(TAG.octetString, Buffer.alloc(16)));
  const algorithm = sequence(oid('1.2.840.113549.1.5.13'), sequence(derivation, scheme));
  return sequence(algorithm, der(TAG.octetString, Buffer.alloc(64)));
}

const scrypt = (n: number, r: number, p: number): Uint8Array =>
  encrypted(sequence(oid('1.3.6.1.4.1.11591.4.11'), sequence(SALT, integer(n), integer(r), integer(p))));
const pbkdf2 = (iterations: number, cipher?: string): Uint8Array =>
  encrypted(sequence(oid('1.2.840.113549.1.5.12'), sequence(SALT, integer(iterations))), cipher);

const TAKEN: Readonly<Record<string, Uint8Array>> = {
  'scrypt as OpenSSL writes it': scrypt(2 ** 14, 8, 1),
  'scrypt that takes all the memory there is for it': scrypt(2 ** 14, 15, 8),
  'PBKDF2 as OpenSSL writes it': pbkdf2(2_048),
  'PBKDF2 with as many iterations as are advised': pbkdf2(600_000, '2.16.840.1.101.3.4.1.2'),
};

const REFUSED: Readonly<Record<string, readonly [Uint8Array, RegExp]>> = {
  '64 GiB of memory': [
    scrypt(2 ** 26, 8, 1),
    /^asks for 68719476736 bytes of memory for scrypt to be opened, allowed less than 33554432/,
  ],
  'twenty minutes of work in little memory': [scrypt(2 ** 14, 8, 2 ** 15), /^asks for 4294967296 as N·r·p of scrypt/],
  'more than any number': [
    encrypted(
      sequence(
        oid('1.3.6.1.4.1.11591.4.11'),
        sequence(SALT, der(TAG.integer, Buffer.alloc(120, 0x7f)), integer(8), integer(1)),
      ),
    ),
    /^asks for .* bytes of memory/,
  ],
  'iterations for an hour': [pbkdf2(2 ** 31), /^asks for 2147483648 iterations of PBKDF2/],
  'hardly any iterations': [pbkdf2(1), /^is encrypted with 1 iterations of PBKDF2 only/],
  'triple DES': [
    pbkdf2(2_048, '1.2.840.113549.3.7'),
    /^is encrypted with a cipher other than AES-CBC \(1\.2\.840\.113549\.3\.7\)/,
  ],
  PBES1: [
    sequence(
      sequence(oid('1.2.840.113549.1.12.1.3'), sequence(SALT, integer(2_048))),
      der(TAG.octetString, Buffer.alloc(64)),
    ),
    /^is encrypted by an old scheme \(1\.2\.840\.113549\.1\.12\.1\.3\), not by PBES2: encrypt it by `openssl pkcs8 -topk8 -scrypt`$/,
  ],
  'another key derivation': [
    encrypted(sequence(oid('1.2.3.4'), sequence(SALT))),
    /^is encrypted with an unknown key derivation \(1\.2\.3\.4\)/,
  ],
  'half of it': [scrypt(2 ** 14, 8, 1).subarray(0, 40), /^is not a well-formed encrypted PKCS#8 key$/],
  'a cost that is negative': [
    encrypted(sequence(oid('1.2.840.113549.1.5.12'), sequence(SALT, der(TAG.integer, Buffer.from([0xff]))))),
    /^is not a well-formed/,
  ],
};

describe('An encrypted private key', () => {
  for (const [what, bytes] of Object.entries(TAKEN)) {
    it(`may be opened: ${what}`, () => {
      assert.equal(encryptionProblem(bytes), undefined);
    });
  }

  for (const [what, [bytes, words]] of Object.entries(REFUSED)) {
    it(`is not opened: ${what}`, () => {
      assert.match(encryptionProblem(bytes) ?? 'nothing', words);
    });
  }
});
