// Everything that an operator gives a server, in one temporary directory: issuer, anchors, policy, the
// keys of a token issuer, and room for journal, log and sockets. Servers that share it are one and
// the same CA to their clients.
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SqliteJournalReader } from '../../src/adapters/storage/sqlite-journal-reader.ts';
import type { DecisionRecord, JournalQuery } from '../../src/ports/issuance-journal.ts';
import { testAuthority, type TestAuthority } from '../support/certificates.ts';
import { TOKEN_ISSUER, TokenMint } from './token-mint.ts';

/** One line of the server's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string };

/** Who may have certificates in these tests: every service account of `default`; `ec-only` with P-256 keys. */
export const POLICY = [{ namespaces: ['default'] }, { namespaces: ['ec-only'], keyTypes: ['ec-p256'] }];

export class ServerFiles implements Disposable {
  readonly directory: string;
  readonly mint = new TokenMint();
  readonly pki: TestAuthority;

  private constructor(directory: string, pki: TestAuthority) {
    this.directory = directory;
    this.pki = pki;
  }

  static async create(pki?: TestAuthority): Promise<ServerFiles> {
    const directory = mkdtempSync(path.join(tmpdir(), 'capstan-app-'));
    const files = new ServerFiles(directory, pki ?? (await testAuthority()));
    files.useIssuer(files.pki);
    files.setAnchors(files.pki.root.certificatePem);
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

  setPolicy(rules: readonly object[]): void {
    this.write('policy.yaml', JSON.stringify({ apiVersion: 'capstan.dev/v1alpha1', kind: 'NamespacePolicy', rules }));
  }

  /** By dotted path, as the configuration takes them; one workload, `default/demo`, has an SDS socket. */
  get settings(): Readonly<Record<string, unknown>> {
    return {
      'listen.tls.address': '127.0.0.1:0',
      'listen.http.address': '127.0.0.1:0',
      'issuer.chainFile': this.path('issuer-chain.pem'),
      'issuer.keyFile': this.path('issuer-key.pem'),
      'trustAnchors.file': this.path('anchors.pem'),
      'policy.file': this.path('policy.yaml'),
      'journal.file': this.path('journal.db'),
      'authentication.tokens.issuers': [
        { issuer: TOKEN_ISSUER, keys: { file: this.path('jwks.json') }, clockSkew: '0s' },
      ],
      'sds.sockets': [{ path: this.socket('demo'), namespace: 'default', serviceAccount: 'demo' }],
      'telemetry.logFile': this.path('capstan.log'),
      'telemetry.logLevel': 'debug',
    };
  }

  /** Decisions in the journal, newest first. */
  decisions(query: Partial<JournalQuery> = {}): readonly DecisionRecord[] {
    using reader = SqliteJournalReader.open(this.path('journal.db'));
    return reader.list({ limit: 100_000, ...query });
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
