// Every form in which a certificate lies around is read, and whatever is none of them ends in words and no exception.
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { certificatesIn } from '../../../src/review/rogue/certificates-in.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { tiersAt, type Tier } from '../../support/paths/tiers.ts';

const tier = tiersAt(NOON_MS);

describe('A text with a certificate', () => {
  let ca: Tier;
  let other: Tier;
  before(async () => {
    ca = await tier('Some Root');
    other = await tier('Other Root');
  });
  const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64');

  const forms: Readonly<Record<string, () => string | Uint8Array>> = {
    PEM: () => ca.pem,
    'PEM with Windows line ends': () => ca.pem.replaceAll('\n', '\r\n'),
    'PEM in UTF-16, as PowerShell writes it': () => Buffer.from(`\ufeff${ca.pem}`, 'utf16le'),
    'PEM behind a description': () => `# our root\nsubject=CN=x\n${ca.pem}`,
    'PEM in a block of YAML': () => `data:\n  ca.crt: |\n${ca.pem.replaceAll(/^/gm, '    ')}`,
    'PEM in JSON': () => JSON.stringify({ data: { 'ca.crt': ca.pem } }),
    'PEM of another label': () => ca.pem.replaceAll(' CERTIFICATE', ' X509 CERTIFICATE'),
    'PEM with something behind the certificate': () =>
      `-----BEGIN TRUSTED CERTIFICATE-----\n${base64(Buffer.concat([ca.der, Buffer.from([0x30, 0])]))}\n-----END TRUSTED CERTIFICATE-----\n`,
    DER: () => ca.der,
    'a Secret, or a caBundle': () => `data:\n  ca.crt: ${base64(ca.pem)}\n`,
    'a kubeconfig in a Secret': () => `data:\n  config: ${base64(`certificate-authority-data: ${base64(ca.pem)}\n`)}\n`,
    'DER in base64, as JSON Web Keys have it': () => JSON.stringify({ keys: [{ x5c: [base64(ca.der)] }] }),
    'a Secret whose base64 is wrapped': () =>
      `data:\n  ca.crt: |\n${wrapped(base64(ca.pem), 76, '    ')}  tls.key: ''\n`,
    'a Secret whose base64 is wrapped in a string': () =>
      `data:\n  ca.crt: "${wrapped(base64(ca.pem), 60, '    ', '\\')}"\n`,
    'DER in base64 as base64(1) writes it': () => wrapped(base64(ca.der), 76),
    'JSON of .NET': () => JSON.stringify({ ca: ca.pem }).replaceAll('+', '\\u002B'),
    'JSON of PHP': () => JSON.stringify({ x5c: [base64(ca.der)] }).replaceAll('/', '\\/'),
    'JSON with every sign escaped': () => JSON.stringify({ ca: ca.pem }).replaceAll('-', '\\u002d'),
    'JSON in JSON': () => JSON.stringify(JSON.stringify({ ca: ca.pem }).replaceAll('+', '\\u002B')),
    'JSON Web Keys in a Secret': () =>
      `data:\n  jwks: ${base64(JSON.stringify({ keys: [{ x5c: [base64(ca.der)] }] }))}\n`,
    gzip: () => gzipSync(ca.pem),
    'a release of Helm': () =>
      `data:\n  release: ${base64(base64(gzipSync(`data:\n  ca.crt: ${base64(ca.pem)}\n`)))}\n`,
    'PEM behind what looks like a key in DER': () =>
      Buffer.concat([Buffer.from('3003020100', 'hex'), Buffer.from(`\n${ca.pem}`)]),
  };
  const wrapped = (text: string, width: number, indent = '', end = ''): string =>
    text.replaceAll(new RegExp(`.{1,${width}}`, 'g'), (line) => `${indent}${line}${end}\n`);
  for (const [form, written] of Object.entries(forms)) {
    it(`is read when it is ${form}`, () => {
      const { certificates, unread } = certificatesIn(Buffer.from(written()));
      assert.deepEqual(
        certificates.map(({ der }) => Buffer.from(der).toString('hex')),
        [ca.der.toString('hex')],
      );
      assert.deepEqual(unread, []);
    });
  }

  it('is read with all others of it, each with its line', () => {
    const { certificates } = certificatesIn(Buffer.from(`# two\n${ca.pem}${other.pem}`));
    const second = 2 + ca.pem.trimEnd().split('\n').length;
    assert.deepEqual(
      certificates.map(({ line }) => line),
      [2, second],
    );
  });

  it('is read behind one that does not parse, whatever the text begins with', () => {
    const damaged = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
    const { certificates, unread } = certificatesIn(Buffer.from(`0\n${other.pem}${damaged}${ca.pem}`));
    assert.equal(certificates.length, 2);
    assert.deepEqual(unread, ['has a certificate that does not parse']);
  });

  it('is said to be left out, in whatever form the 20,000 before it are', () => {
    for (const form of [(der: Uint8Array) => Buffer.from(`"${base64(der)}"\n`), (der: Uint8Array) => der]) {
      const many = Array<Uint8Array>(20_000).fill(form(other.der));
      const { certificates, unread } = certificatesIn(Buffer.concat([...many, form(ca.der)]));
      assert.equal(certificates.length, 1);
      assert.deepEqual(unread, ['has 20000 certificates or more; the rest was left out']);
    }
  });

  it('is found with the line in which wrapped base64 begins', () => {
    const text = `kind: Secret\ndata:\n  ca.crt: |\n${wrapped(base64(ca.pem), 76, '    ')}`;
    assert.deepEqual(
      certificatesIn(Buffer.from(text)).certificates.map(({ line }) => line),
      [4],
    );
  });

  it('is read in DER one behind the other', () => {
    assert.equal(certificatesIn(Buffer.concat([ca.der, other.der])).certificates.length, 2);
  });

  for (const [title, written] of Object.entries<() => string | Uint8Array>({
    'in PEM': () => ca.keyPem,
    'beside a certificate': () => ca.pem + ca.keyPem,
    'in a Secret': () => `data:\n  tls.key: ${base64(ca.keyPem)}\n`,
    'that is encrypted': () => `-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n`,
    'in DER': () => Buffer.from(ca.keyPem.replaceAll(/-----.*-----|\s/g, ''), 'base64'),
  })) {
    it(`has a private key ${title}`, () => {
      const { hasPrivateKey, certificates } = certificatesIn(Buffer.from(written()));
      assert.equal(hasPrivateKey, true);
      assert.equal(certificates.length, title === 'beside a certificate' ? 1 : 0);
    });
  }

  for (const [title, written, why] of [
    ['PKCS#12', Buffer.from('3082010002010330', 'hex'), /^is PKCS#12, which is not opened$/],
    ['a zip archive', Buffer.from('504b03041400', 'hex'), /^is a zip archive, which is not opened$/],
    ['gzip that is cut off', Buffer.from('1f8b0800000000000003', 'hex'), /^is compressed, and cannot be unpacked$/],
    [
      'gzip of more than it may be',
      gzipSync(Buffer.alloc(9 * 1024 * 1024)),
      /^holds more than 8 MiB when it is unpacked$/,
    ],
    ['gzip in gzip', gzipSync(gzipSync('x')), /^is compressed more than once, which is not opened$/],
    ['a Java key store', Buffer.from('feedfeed00000002', 'hex'), /^is a Java key store, which is not opened$/],
    ['PKCS#7', '-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n', /^holds PKCS#7, which is not opened$/],
    [
      'damaged',
      '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
      /^has a certificate that does not parse$/,
    ],
  ] as const) {
    it(`is named when it is ${title}`, () => {
      const { certificates, unread } = certificatesIn(Buffer.from(written));
      assert.equal(certificates.length, 0);
      assert.match(unread.join('\n'), why);
    });
  }

  it('is nothing where there is none, whatever else the bytes are', () => {
    for (const written of [
      '',
      '0',
      '0\x82',
      '0\x84\xff\xff\xff\xff',
      '-----BEGIN CERTIFICATE-----',
      'A'.repeat(5_000),
    ]) {
      assert.deepEqual(certificatesIn(Buffer.from(written, 'latin1')), {
        certificates: [],
        hasPrivateKey: false,
        unread: [],
      });
    }
  });

  it('is found behind gzip that grows, of which no more is unpacked than a file may hold', () => {
    const bomb = base64(gzipSync(Buffer.alloc(8 * 1024 * 1024 - 1, 'A')));
    const startMs = performance.now();
    const { certificates, unread } = certificatesIn(Buffer.from(`"${bomb}"\n`.repeat(300) + ca.pem));
    assert.ok(performance.now() - startMs < 10_000);
    assert.equal(certificates.length, 1);
    assert.deepEqual(unread, ['holds more than 8 MiB when it is unpacked']);
  });

  it('is found behind whatever fills a text to its bound', () => {
    const size = 4 * 1024 * 1024;
    for (const [one, closed] of [
      ['A', '"'],
      ['word\n', '"'],
      ['MII\n', '"'],
      [' ', ''],
      ['\\', '"'],
      ['\n', ''],
      ['\\u0041', '"'],
      ['-----BEGIN CERTIFICATE-----', ''],
    ] as const) {
      const { certificates } = certificatesIn(Buffer.from(`a${one.repeat(size / one.length)}${closed}\n${ca.pem}`));
      assert.equal(certificates.length, 1, JSON.stringify(one));
    }
    const { certificates } = certificatesIn(Buffer.from(`${ca.pem}-----BEGIN CERTIFICATE-----${'A'.repeat(size)}`));
    assert.equal(certificates.length, 1);
  });

  it('is not looked for without end: base64 in base64 stops after three times', () => {
    let text = ca.pem;
    for (let depth = 0; depth < 4; depth += 1) text = base64(text);
    assert.equal(certificatesIn(Buffer.from(text)).certificates.length, 0);
  });
});
