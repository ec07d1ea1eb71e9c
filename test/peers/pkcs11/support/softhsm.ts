// A token of SoftHSM, made and filled by OpenSC's pkcs11-tool: what is in it never leaves it. It is pulled by taking its folder away.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

const LIBRARIES = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so'];
export const PIN = '876543';
const SO_PIN = '12345678';

export type TokenKeyType = 'EC:prime256v1' | 'EC:secp384r1' | 'rsa:2048';

/** @returns the path of the library; nothing when SoftHSM, pkcs11-tool or the package pkcs11js is absent. */
export function findSoftHsm(): string | undefined {
  const tool = spawnSync('pkcs11-tool', ['--version']).error === undefined;
  return tool && hasPackage() ? LIBRARIES.find((file) => existsSync(file)) : undefined;
}

function hasPackage(): boolean {
  try {
    createRequire(import.meta.url)('pkcs11js');
    return true;
  } catch {
    return false;
  }
}

export class SoftHsm implements Disposable {
  readonly #library: string;
  readonly #directory = mkdtempSync(path.join(tmpdir(), 'capstan-hsm-'));
  readonly #label: string;

  /** A token with that label, and the environment of this process says where it is. */
  constructor(library: string, label = 'mesh') {
    this.#library = library;
    this.#label = label;
    mkdirSync(this.#path('tokens'));
    const configuration = `directories.tokendir = ${this.#path('tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`;
    writeFileSync(this.#path('softhsm2.conf'), configuration);
    process.env['SOFTHSM2_CONF'] = this.#path('softhsm2.conf');
    this.#tool('--init-token', '--slot-index', '0', '--label', label, '--so-pin', SO_PIN);
    this.#tool('--init-pin', '--token-label', label, '--so-pin', SO_PIN, '--pin', PIN);
    this.writePin(PIN);
  }

  get pinFile(): string {
    return this.#path('pin');
  }

  writePin(pin: string): void {
    writeFileSync(`${this.pinFile}.new`, `${pin}\n`, { mode: 0o600 });
    renameSync(`${this.pinFile}.new`, this.pinFile);
  }

  /** As `issuer.pkcs11` names a key. */
  settings(keyLabel: string) {
    return { module: this.#library, tokenLabel: this.#label, keyLabel, pinFile: this.pinFile };
  }

  /** A key pair that the token makes, and does not give away. @returns the public key, PEM. */
  generate(keyType: TokenKeyType, label: string, id: string): string {
    const args = ['--keypairgen', '--key-type', keyType, '--label', label, '--id', id];
    const made = this.#loggedIn(...args);
    assert.match(made, /sensitive, always sensitive, never extractable, local/);
    const [, point] = /EC_POINT: +04[0-9a-f]{2}(04[0-9a-f]+)/.exec(made) ?? [];
    if (point !== undefined) return ecPublicKey(point);
    const der = this.#path(`${id}.der`);
    this.#loggedIn('--read-object', '--type', 'pubkey', '--id', id, '--output-file', der);
    return run('openssl', ['pkey', '-pubin', '-inform', 'DER', '-in', der]);
  }

  /** @param keyPem an ordinary key, which the token then has too. */
  importKey(keyPem: string, label: string, id: string): void {
    for (const [type, command] of [
      ['privkey', ['pkcs8', '-topk8', '-nocrypt']],
      ['pubkey', ['pkey', '-pubout']],
    ] as const) {
      const file = this.#path(`${type}.der`);
      run('openssl', [...command, '-outform', 'DER', '-out', file], keyPem);
      this.#loggedIn('--write-object', file, '--type', type, '--label', label, '--id', id, '--usage-sign');
    }
  }

  /** Leaves the private key alone. */
  deletePublicKey(id: string): void {
    this.#loggedIn('--delete-object', '--type', 'pubkey', '--id', id);
  }

  writeCertificate(pem: string, id: string): void {
    writeFileSync(this.#path(`${id}.pem`), pem);
    run('openssl', ['x509', '-in', this.#path(`${id}.pem`), '-outform', 'DER', '-out', this.#path(`${id}.cer`)]);
    this.#loggedIn('--write-object', this.#path(`${id}.cer`), '--type', 'cert', '--id', id);
  }

  pull(): void {
    renameSync(this.#path('tokens'), this.#path('pulled'));
  }

  putBack(): void {
    renameSync(this.#path('pulled'), this.#path('tokens'));
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #loggedIn(...args: readonly string[]): string {
    return this.#tool('--token-label', this.#label, '--login', '--pin', PIN, ...args);
  }

  #tool(...args: readonly string[]): string {
    return run('pkcs11-tool', ['--module', this.#library, ...args]);
  }

  #path(name: string): string {
    return path.join(this.#directory, name);
  }
}

/** pkcs11-tool 0.23 reads no P-384 key out, but prints its point. @param point uncompressed, hex (SEC 1 section 2.3.3). */
function ecPublicKey(point: string): string {
  const bytes = Buffer.from(point, 'hex').subarray(1);
  const [x, y] = [bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)].map((half) =>
    half.toString('base64url'),
  );
  const key = { kty: 'EC', crv: bytes.length === 64 ? 'P-256' : 'P-384', x: x ?? '', y: y ?? '' };
  return createPublicKey({ key, format: 'jwk' }).export({ format: 'pem', type: 'spki' });
}

/** @returns what it printed. */
export function run(command: string, args: readonly string[], input?: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', input });
  assert.equal(status, 0, `${command} ${args[0] ?? ''}: ${error?.message ?? stderr}`);
  return stdout;
}
