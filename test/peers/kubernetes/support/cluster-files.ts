// What a cluster's programs read: certificates, the keys of service accounts, the administrator's static token, kubeconfigs. All of
// it is in one temporary folder, which goes with the cluster or with the test's process.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createRoot, issueLeaf } from '../../support/pki.ts';

/** Of the group `system:masters`, which may do anything. */
const ADMIN = 'admin';

const folders = new Set<string>();
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** How an API server signs the tokens of service accounts. */
export type TokenAlgorithm = 'RS256' | 'ES256';

export interface FileSettings {
  readonly port: number;
  readonly tokenAlgorithm: TokenAlgorithm;
}

export class ClusterFiles implements Disposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'capstan-kubernetes-'));
  readonly #port: number;
  /** Of the administrator. */
  readonly #token = randomBytes(16).toString('hex');

  private constructor({ port, tokenAlgorithm }: FileSettings) {
    folders.add(this.folder);
    this.#port = port;
    this.write('users.csv', `${[this.#token, ADMIN, ADMIN, 'system:masters'].join(',')}\n`);
    this.write('service-accounts.pem', serviceAccountKey(tokenAlgorithm));
    mkdirSync(this.path('kubelet'));
  }

  static async create(settings: FileSettings): Promise<ClusterFiles> {
    const files = new ClusterFiles(settings);
    const ca = await createRoot('Kubernetes CA');
    const { chainPem, keyPem } = await issueLeaf(ca, { dns: 'kubernetes.default.svc', ip: '127.0.0.1' });
    files.write('ca.pem', ca.certificatePem);
    files.write('server.pem', chainPem);
    files.write('server-key.pem', keyPem);
    return files;
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  write(name: string, text: string): string {
    const file = this.path(name);
    // In one step: a program may be reading it.
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return file;
  }

  administratorKubeconfig(): string {
    return this.kubeconfig(ADMIN, this.#token);
  }

  /** Writes one for whoever has the token. @returns its path. */
  kubeconfig(name: string, token: string): string {
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': name,
      clusters: [
        {
          name: 'test',
          cluster: { server: `https://127.0.0.1:${this.#port}`, 'certificate-authority': this.path('ca.pem') },
        },
      ],
      users: [{ name, user: { token } }],
      contexts: [{ name, context: { cluster: 'test', user: name, namespace: 'default' } }],
    };
    return this.write(`${name.replaceAll(/[^\w.-]/g, '_')}.kubeconfig`, JSON.stringify(config));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
    folders.delete(this.folder);
  }
}

/** PEM; PKCS#8 is not taken for elliptic curves by every version. */
function serviceAccountKey(algorithm: TokenAlgorithm): string {
  const format = 'pem';
  return algorithm === 'RS256'
    ? generateKeyPairSync('rsa', {
        modulusLength: 2048,
        publicKeyEncoding: { type: 'spki', format },
        privateKeyEncoding: { type: 'pkcs1', format },
      }).privateKey
    : generateKeyPairSync('ec', {
        namedCurve: 'P-256',
        publicKeyEncoding: { type: 'spki', format },
        privateKeyEncoding: { type: 'sec1', format },
      }).privateKey;
}
