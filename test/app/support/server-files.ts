// Everything that an operator gives a server, in one temporary directory: issuer, anchors, the signed
// policy bundle, local policies, manifests, the keys of a token issuer, and room for journal, log and
// sockets. Servers that share it are one and the same CA to their clients.
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { JournalWriter } from '../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { decisionFrom } from '../../../src/adapters/storage/records.ts';
import { JournalQueries } from '../../../src/adapters/storage/sqlite/reading/journal-queries.ts';
import type { LeafNames } from '../../../src/ports/storage/issuance-history.ts';
import { StoreReader } from '../../../src/adapters/storage/slots/store-reader.ts';
import type { ClosingRecord } from '../../../src/ports/storage/closing-journal.ts';
import type { DecisionRecord, JournalQuery } from '../../../src/ports/storage/issuance-journal.ts';
import { issued } from '../../adapters/storage/sqlite/records.ts';
import { testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { BundleSigner, bundleDocument, type TestRule } from '../../support/policy/signed-bundle.ts';
import { TOKEN_ISSUER, TokenMint } from './token-mint.ts';

/** One line of the server's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string };

/** Who may have certificates in these tests: every service account of `default`; `ec-only` with P-256 keys. */
export const POLICY: readonly TestRule[] = [
  { namespaces: ['default'] },
  { namespaces: ['ec-only'], keyTypes: ['ec-p256'] },
];

export class ServerFiles implements Disposable {
  readonly directory: string;
  readonly mint = new TokenMint();
  readonly pki: TestAuthority;
  readonly #signer = new BundleSigner();
  #sequence = 0;

  private constructor(directory: string, pki: TestAuthority) {
    this.directory = directory;
    this.pki = pki;
  }

  static async create(pki?: TestAuthority): Promise<ServerFiles> {
    const directory = mkdtempSync(path.join(tmpdir(), 'capstan-app-'));
    const files = new ServerFiles(directory, pki ?? (await testAuthority()));
    files.useIssuer(files.pki);
    files.setAnchors(files.pki.root.certificatePem);
    for (const folder of ['policies', 'manifests']) mkdirSync(files.path(folder));
    files.write('bundle-key.pem', files.#signer.publicKeyPem);
    files.setPolicy(POLICY);
    files.write('jwks.json', await files.mint.jwks());
    return files;
  }

  path(name: string): string {
    return path.join(this.directory, name);
  }

  /** Where the workload `default/<serviceAccount>` reaches SDS. */
  socket(serviceAccount: string): string {
    return this.path(`${serviceAccount}.sock`);
  }

  /** By a rename, as a careful operator does. */
  write(name: string, text: string): void {
    const file = this.path(name);
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  useIssuer({ intermediate }: TestAuthority): void {
    this.write('issuer-key.pem', intermediate.keyPem);
    this.write('issuer-chain.pem', intermediate.certificatePem);
  }

  setAnchors(pem: string): void {
    this.write('anchors.pem', pem);
  }

  /** A newer bundle, signed as the last one was. */
  setPolicy(rules: readonly TestRule[], more: object = {}): void {
    this.#sequence += 1;
    const document = bundleDocument(rules, { sequence: this.#sequence, more });
    this.write('bundle.yaml.sig', this.#signer.sign(document));
    this.write('bundle.yaml', JSON.stringify(document));
  }

  /** @returns the text of a bundle's `.sig` file, by the key that the server trusts. */
  signBundle(document: object): string {
    return this.#signer.sign(document);
  }

  /** A file among the local policies; without text, it goes. */
  setLocal(name: string, text?: string): void {
    this.#setIn('policies', name, text);
  }

  /** A file among the manifests of the cluster; without text, it goes. */
  setManifest(name: string, text?: string): void {
    this.#setIn('manifests', name, text);
  }

  #setIn(folder: string, name: string, text: string | undefined): void {
    if (text === undefined) rmSync(this.path(`${folder}/${name}`));
    else this.write(`${folder}/${name}`, text);
  }

  /** By dotted path, as the configuration takes them; one workload, `default/demo`, has an SDS socket. */
  get settings(): Readonly<Record<string, unknown>> {
    return {
      'listen.tls.address': '127.0.0.1:0',
      'listen.http.address': '127.0.0.1:0',
      'issuer.chainFile': this.path('issuer-chain.pem'),
      'issuer.keyFile': this.path('issuer-key.pem'),
      'trustAnchors.file': this.path('anchors.pem'),
      'policy.bundle.file': this.path('bundle.yaml'),
      'policy.bundle.keys': [this.path('bundle-key.pem')],
      'policy.bundle.stateFile': this.path('bundle-state.json'),
      'policy.directory': this.path('policies'),
      'cluster.manifests': this.path('manifests'),
      'journal.store': this.path('journal.db'),
      'lifetimes.min': '1s',
      'authentication.tokens.issuers': [
        { issuer: TOKEN_ISSUER, keys: { file: this.path('jwks.json') }, clockSkew: '0s' },
      ],
      'sds.sockets': [{ path: this.socket('demo'), namespace: 'default', serviceAccount: 'demo' }],
      'telemetry.logFile': this.path('capstan.log'),
      'telemetry.logLevel': 'debug',
    };
  }

  /** Writes into the journal of no running server that our issuer issued a leaf, which goes back to a proof of that time. */
  recordIssued(leaf: LeafNames & { readonly provenAtMs: number }): void {
    const { identity, serial, notAfterMs, provenAtMs } = leaf;
    const writer = new JournalWriter({ file: this.path('journal.db') });
    const issuer = this.pki.issuer.id;
    const proof = { proofId: `proof of ${serial}`, provenAtMs };
    writer.append([
      issued(`issue of ${serial}`, { timeMs: Date.now(), identity, serial, notAfterMs, issuer, ...proof }),
    ]);
    writer.close();
  }

  /** Decisions in the journal, newest first. */
  decisions(query: Partial<JournalQuery> = {}): readonly DecisionRecord[] {
    using reader = new JournalQueries(this.path('journal.db'));
    return reader.list({ limit: 100_000, ...query }).map(decisionFrom);
  }

  /** Identities that ended, of the journals of all processes, newest first. */
  async closings(): Promise<readonly ClosingRecord[]> {
    const options = { signal: new AbortController().signal };
    using reader = await StoreReader.open(this.path('journal.db'), options);
    return await reader.closings({ limit: 100_000 }, options);
  }

  get logText(): string {
    return readFileSync(this.path('capstan.log'), 'utf8');
  }

  /** What the log says of one event, in order. */
  logged(event: string): readonly LogLine[] {
    const lines = this.logText.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as LogLine).filter((line) => line.event === event);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Settings by dotted path as sections, for a file. */
export function nested(settings: Readonly<Record<string, unknown>>): object {
  const root: Record<string, unknown> = {};
  for (const [dotted, value] of Object.entries(settings)) {
    const names = dotted.split('.');
    const last = names.pop() ?? '';
    const section = names.reduce((parent, name) => (parent[name] ??= {}) as Record<string, unknown>, root);
    section[last] = value;
  }
  return root;
}
