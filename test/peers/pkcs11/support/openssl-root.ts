// The corporate root as `openssl` holds it: it signs intermediates for keys that it never sees.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from './softhsm.ts';

const EXTENSIONS = `basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`;

export class OpenSslRoot implements Disposable {
  readonly #directory = mkdtempSync(path.join(tmpdir(), 'capstan-root-'));

  constructor() {
    writeFileSync(this.#path('extensions'), EXTENSIONS);
    const key = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-noenc',
      '-keyout',
      this.#path('root.key'),
    ];
    run('openssl', [
      'req',
      '-x509',
      ...key,
      '-out',
      this.file,
      '-subj',
      '/CN=Corporate Root',
      '-days',
      '30',
      '-addext',
      'keyUsage = critical, keyCertSign, cRLSign',
    ]);
    run('openssl', [
      'req',
      '-new',
      ...key.with(-1, this.#path('any.key')),
      '-out',
      this.#path('any.csr'),
      '-subj',
      '/CN=Mesh Issuer',
    ]);
  }

  /** Its certificate. */
  get file(): string {
    return this.#path('root.pem');
  }

  get pem(): string {
    return readFileSync(this.file, 'utf8');
  }

  /** @returns an intermediate for that public key, PEM. */
  sign(publicKeyPem: string): string {
    writeFileSync(this.#path('issuer.pub'), publicKeyPem);
    const by = ['-CA', this.file, '-CAkey', this.#path('root.key'), '-extfile', this.#path('extensions')];
    return run('openssl', [
      'x509',
      '-req',
      '-in',
      this.#path('any.csr'),
      '-force_pubkey',
      this.#path('issuer.pub'),
      ...by,
      '-days',
      '10',
    ]);
  }

  /** @throws AssertionError unless `openssl verify` takes the chain, the leaf first. */
  demandValid(chain: readonly string[]): void {
    const [leaf = '', ...above] = chain;
    writeFileSync(this.#path('leaf.pem'), leaf);
    writeFileSync(this.#path('above.pem'), above.join('\n'));
    run('openssl', [
      'verify',
      '-x509_strict',
      '-CAfile',
      this.file,
      '-untrusted',
      this.#path('above.pem'),
      this.#path('leaf.pem'),
    ]);
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #path(name: string): string {
    return path.join(this.#directory, name);
  }
}
