// The product as a child process, under a corporate root that the test holds: started from a
// configuration file, watched through its log, metrics and journal, ended by its own process id.
import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { exportJWK, SignJWT } from 'jose';
import { decisionFrom } from '../../../src/adapters/storage/records.ts';
import { JournalQueries } from '../../../src/adapters/storage/sqlite/reading/journal-queries.ts';
import { runCli } from '../../../src/cli/program.ts';
import type { DecisionRecord } from '../../../src/ports/storage/issuance-journal.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { BundleSigner, bundleDocument } from '../../support/policy/signed-bundle.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { knock } from './knock.ts';
import { endProcess, startProcess } from './owned-process.ts';
import { createRoot, issueIntermediate, issueLeaf, type TestAuthority } from './pki.ts';
import type { Visitor } from './tls-visit.ts';

const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');
const START_MS = 60_000;
const STOP_MS = 30_000;
/** The server writes its log every 200 ms, where the machine lets it. */
const LOG_WITHIN_MS = 30_000;
const COMMAND_MS = 60_000;
/** Most log lines kept of one run. */
const MAX_LOG_LINES = 50_000;

export const TRUST_DOMAIN = 'cluster.local';
export const TOKEN_ISSUER = 'https://tokens.test';
export const TOKEN_AUDIENCE = 'istio-ca';
/** Every TLS client of the tests expects this name of the server. */
export const SERVER_NAME = 'istiod.istio-system.svc';

export interface CapstanSettings {
  /** One socket `<name>.sock` per entry, for the service account of that name in namespace `default`. */
  readonly sockets: readonly string[];
  /** Of SDS certificates; an hour unless said otherwise. */
  readonly ttl?: string;
  readonly renewAt?: number;
  /** Namespaces that the first policy allows; all unless said otherwise. */
  readonly namespaces?: readonly string[];
  /** The corporate root; a new one unless said otherwise. */
  readonly root?: TestAuthority;
  /** The first intermediate; a new one unless said otherwise. */
  readonly issuer?: TestAuthority;
  /** `trustAnchors.federated`. */
  readonly federated?: readonly unknown[];
  /** Workers under a supervisor; one process unless said otherwise. */
  readonly processes?: number;
  /** Laid over the `sds` section. */
  readonly sds?: Readonly<Record<string, unknown>>;
  /** Laid over the `lifetimes` section. */
  readonly lifetimes?: Readonly<Record<string, unknown>>;
  /** Whether its issuer is in a folder, where the next one can wait beside it, and not in plain files. */
  readonly issuerFolder?: boolean;
}

/** One line of the server's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string };

export class Capstan implements AsyncDisposable {
  readonly root: TestAuthority;
  /** What the server printed that is not a log line. */
  readonly printed: string[] = [];
  readonly tlsPort: number;
  readonly #httpPort: number;
  readonly #log: LogLine[] = [];
  readonly #workDir: string;
  readonly #tokenKey: KeyObject;
  readonly #bundleSigner = new BundleSigner();
  readonly #processes: number;
  #sequence = 0;
  #issuer: TestAuthority;
  #process: ChildProcess | undefined;

  private constructor(
    ports: readonly [number, number],
    workDir: string,
    authorities: readonly [TestAuthority, TestAuthority],
    tokenKey: KeyObject,
    processes: number,
  ) {
    [this.tlsPort, this.#httpPort] = ports;
    [this.root, this.#issuer] = authorities;
    this.#workDir = workDir;
    this.#tokenKey = tokenKey;
    this.#processes = processes;
  }

  /** A new corporate root with one intermediate, and a server that signs with it; ready when this resolves. */
  static async start(settings: CapstanSettings): Promise<Capstan> {
    const workDir = mkdtempSync(path.join(tmpdir(), 'cc-'));
    const root = settings.root ?? (await createRoot('Corporate Root'));
    const issuer = settings.issuer ?? (await issueIntermediate(root, 'Mesh Issuer 1'));
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const ports = [await freePort(), await freePort()] as const;
    const capstan = new Capstan(ports, workDir, [root, issuer], privateKey, settings.processes ?? 1);
    const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256', use: 'sig' };
    capstan.#write('jwks.json', JSON.stringify({ keys: [jwk] }));
    capstan.#write('bundle-key.pem', capstan.#bundleSigner.publicKeyPem);
    capstan.setPolicy(settings.namespaces ?? ['*']);
    capstan.replaceAnchors(root.certificatePem);
    if (settings.issuerFolder === true) capstan.#fillFolder(issuer);
    else capstan.useIssuer(issuer);
    capstan.#write('capstan.yaml', JSON.stringify(capstan.#configuration(settings)));
    try {
      await capstan.restart();
      return capstan;
    } catch (error) {
      await capstan[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  /** Where its pages are. */
  get observation(): string {
    return `http://127.0.0.1:${this.#httpPort}`;
  }

  get issuer(): TestAuthority {
    return this.#issuer;
  }

  get anchorsPem(): string {
    return this.root.certificatePem;
  }

  socket(name: string): string {
    return this.#file(`${name}.sock`);
  }

  /** Starts the process on the same files and ports; resolves when `/readyz` says so. */
  async restart(): Promise<void> {
    // An empty environment: nothing of ours may configure it.
    const child = startProcess(process.execPath, [MAIN, 'serve', '--config', this.#file('capstan.yaml')], {});
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) this.#follow(stream);
    await eventually('Capstan is ready', async () => child.exitCode !== null || (await this.#get('/readyz')).ok, {
      withinMs: START_MS,
    }).catch((error: unknown) => {
      throw new Error(`Capstan did not become ready: ${this.#lastWords()}`, { cause: error });
    });
    if (child.exitCode !== null) throw new Error(`Capstan ended with ${child.exitCode}: ${this.#lastWords()}`);
  }

  /** SIGTERM; resolves with the exit code once it has drained. */
  async stop(): Promise<number | null> {
    const child = this.#process!;
    await this.#end(child);
    return child.exitCode;
  }

  /** SIGKILL, as a crash would be. */
  async kill9(): Promise<void> {
    const child = this.#process!;
    const ended = once(child, 'close'); // and all that it wrote was read
    child.kill('SIGKILL');
    await ended;
  }

  /** Deletes what the server remembers of its decisions, and that there were any; it must not be running. */
  forget(): void {
    for (const suffix of ['', '-wal', '-shm', '.lock']) rmSync(this.#file(`journal.sqlite${suffix}`), { force: true });
  }

  /** A new intermediate under the same root (or another), in force when the server has picked it up. */
  async rotateIssuer(commonName: string, root = this.root): Promise<TestAuthority> {
    const issuer = await issueIntermediate(root, commonName);
    this.useIssuer(issuer);
    return issuer;
  }

  useIssuer(issuer: TestAuthority): void {
    this.#issuer = issuer;
    // Key first: until the chain follows, the pair does not fit and the server keeps the old one.
    this.#write('issuer-key.pem', issuer.keyPem);
    this.#write('issuer-chain.pem', issuer.chainPem);
  }

  replaceAnchors(pem: string): void {
    this.#write('anchors.pem', pem);
  }

  /** As an operator types it on the server's machine, without `capstan`; the server's configuration is named already. */
  async command(
    ...argv: readonly string[]
  ): Promise<{ readonly code: number; readonly output: string; readonly error: string }> {
    const { terminal, out, error } = recordTerminal();
    const options = { terminal, environment: {}, signal: AbortSignal.timeout(COMMAND_MS) };
    const code = await runCli([...argv, '--config', this.#file('capstan.yaml')], options);
    return { code, output: out(), error: error() };
  }

  /** A file beside the server's own. @returns its path. */
  write(name: string, text: string): string {
    this.#write(name, text);
    return this.#file(name);
  }

  /** Allows exactly these namespaces. */
  setPolicy(namespaces: readonly string[]): void {
    this.#sequence += 1;
    const bundle = bundleDocument([{ namespaces }], { sequence: this.#sequence });
    this.#write('bundle.yaml.sig', this.#bundleSigner.sign(bundle));
    this.#write('bundle.yaml', JSON.stringify(bundle));
  }

  /** A client of this mesh with a certificate of its own. */
  async visitor(anchorsPem = this.anchorsPem): Promise<Required<Visitor>> {
    const identity = await issueLeaf(this.#issuer, { uri: `spiffe://${TRUST_DOMAIN}/ns/default/sa/visitor` });
    return { identity, anchorsPem };
  }

  /** A projected service account token of namespace `default`. */
  async token(
    serviceAccount: string,
    options: { seconds?: number; audience?: string; pod?: { readonly name: string; readonly uid: string } } = {},
  ): Promise<string> {
    const { seconds = 3600, audience = TOKEN_AUDIENCE, pod } = options;
    const nowSeconds = Math.floor(Date.now() / 1000);
    const serviceaccount = { name: serviceAccount, uid: 'sa-uid' };
    return new SignJWT({ 'kubernetes.io': { namespace: 'default', serviceaccount, ...(pod && { pod }) } })
      .setProtectedHeader({ alg: 'ES256', kid: 'test' })
      .setIssuer(TOKEN_ISSUER)
      .setSubject(`system:serviceaccount:default:${serviceAccount}`)
      .setAudience(audience)
      .setIssuedAt(nowSeconds)
      .setNotBefore(nowSeconds - 5)
      .setExpirationTime(nowSeconds + seconds)
      .sign(this.#tokenKey);
  }

  /** Log lines of one event since line `from`, as far as they were written yet. */
  events(event: string, from = 0): readonly LogLine[] {
    return this.#log.slice(from).filter((line) => line.event === event);
  }

  /** The same, with everything that has happened until now. */
  async allEvents(event: string, from = 0): Promise<readonly LogLine[]> {
    await this.#caughtUp();
    return this.events(event, from);
  }

  /** Where the log will go on after everything that has happened until now. */
  async logMark(): Promise<number> {
    await this.#caughtUp();
    return this.#log.length;
  }

  /** The sum of a metric over its labels, or over those series that `label` is part of; 0 when it is not there. */
  async metric(name: string, label = ''): Promise<number> {
    const page = await (await this.#get('/metrics')).text();
    const lines = [...page.matchAll(/^(\w+)(?:\{.*\})? (\S+)/gm)];
    const values = lines.filter(([line, key]) => key === name && line.includes(label));
    return values.reduce((sum, [, , value]) => sum + Number(value), 0);
  }

  /** The newest decisions first. */
  journal(limit = 1000): readonly DecisionRecord[] {
    using reader = new JournalQueries(this.#file('journal.sqlite'));
    return reader.list({ limit }).map(decisionFrom);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.#process !== undefined) await this.#end(this.#process);
    } finally {
      rmSync(this.#workDir, { recursive: true, force: true });
    }
  }

  /** A server that has to be killed is a fault, whatever else the test was about. */
  async #end(child: ChildProcess): Promise<void> {
    if (!(await endProcess(child, STOP_MS))) {
      throw new Error(`Capstan did not end within ${STOP_MS / 1_000} s of SIGTERM: ${this.#lastWords()}`);
    }
  }

  #configuration({ sockets, ttl, renewAt, federated = [], processes = 1, sds, ...more }: CapstanSettings): unknown {
    const tokens = { issuer: TOKEN_ISSUER, keys: { file: this.#file('jwks.json') }, clockSkew: '0s' };
    return {
      trustDomain: TRUST_DOMAIN,
      processes,
      listen: { tls: { address: `127.0.0.1:${this.tlsPort}` }, http: { address: `127.0.0.1:${this.#httpPort}` } },
      issuer:
        more.issuerFolder === true
          ? { directory: this.#file('issuer') }
          : { chainFile: this.#file('issuer-chain.pem'), keyFile: this.#file('issuer-key.pem') },
      trustAnchors: { file: this.#file('anchors.pem'), federated },
      policy: {
        bundle: {
          file: this.#file('bundle.yaml'),
          keys: [this.#file('bundle-key.pem')],
          stateFile: this.#file('bundle-state.json'),
        },
      },
      journal: { store: this.#file('journal.sqlite') },
      authentication: { tokens: { issuers: [tokens] } },
      lifetimes: { backdate: '1s', ...more.lifetimes },
      sds: {
        ttl: ttl ?? '1h',
        ...(renewAt === undefined ? {} : { renewAt }),
        sockets: sockets.map((name) => ({ path: this.socket(name), namespace: 'default', serviceAccount: name })),
        ...sds,
      },
    };
  }

  #fillFolder({ keyPem, chainPem }: TestAuthority): void {
    mkdirSync(this.#file('issuer'), { mode: 0o700 });
    this.#write('issuer/tls.key', keyPem);
    this.#write('issuer/tls.crt', chainPem);
  }

  #file(name: string): string {
    return path.join(this.#workDir, name);
  }

  /** By a rename, as a careful operator does. */
  #write(name: string, text: string): void {
    const file = this.#file(name);
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  #follow(stream: NodeJS.ReadableStream | null): void {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#note(line);
    });
  }

  /** Until what each process of the server has said so far was read: behind it stands that it refused us. */
  async #caughtUp(): Promise<void> {
    if (this.#process!.exitCode !== null || this.#process!.signalCode !== null) return;
    const heard = new Set<unknown>();
    const deadlineMs = performance.now() + LOG_WITHIN_MS;
    while (heard.size < this.#processes) {
      const address = await knock(this.tlsPort);
      const refusal = (): LogLine | undefined =>
        this.events('connectionRefused').findLast(({ remoteAddress }) => remoteAddress === address);
      const withinMs = deadlineMs - performance.now();
      heard.add((await eventually('the log has caught up', refusal, { withinMs, everyMs: 10 }))['worker']);
    }
  }

  #note(line: string): void {
    if (line.startsWith('{')) this.#log.push(JSON.parse(line) as LogLine);
    else this.printed.push(line);
    if (this.#log.length > MAX_LOG_LINES) throw new Error('the server logs more than a test should hold');
  }

  #lastWords(): string {
    return [...this.printed.slice(-20), ...this.#log.slice(-5).map((line) => JSON.stringify(line))].join('\n');
  }

  async #get(target: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#httpPort}${target}`, { signal: AbortSignal.timeout(30_000) });
  }
}
