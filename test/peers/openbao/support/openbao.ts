// An OpenBao of a test's own on ports of the loopback, over TLS under a root of its own, with what it stores in a folder: it can be
// sealed, frozen, stopped and started again, and ends with the test's process. Ready some two seconds after its start.
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { eventually, freePort } from '../../../support/eventually.ts';
import { endProcess, startProcess } from '../../support/owned-process.ts';
import { createRoot, issueLeaf } from '../../support/pki.ts';

const START_MS = 60_000;
const STOP_MS = 30_000;

type Json = Readonly<Record<string, unknown>>;

export interface BaoAnswer {
  readonly status: number;
  readonly body: { readonly data?: Json; readonly auth?: Json; readonly errors?: readonly string[] } & Json;
}

interface Keys {
  readonly unseal: string;
  readonly root: string;
}

export class OpenBao implements AsyncDisposable {
  readonly port: number;
  readonly #binary: string;
  readonly #folder: string;
  readonly #printed: string[] = [];
  #process: ChildProcess | undefined;
  #keys: Keys = { unseal: '', root: '' };

  private constructor(binary: string, folder: string, port: number) {
    this.#binary = binary;
    this.#folder = folder;
    this.port = port;
  }

  /** Initialised, unsealed and empty when this resolves. */
  static async start(binary: string): Promise<OpenBao> {
    const folder = mkdtempSync(path.join(tmpdir(), 'capstan-bao-'));
    const bao = new OpenBao(binary, folder, await freePort());
    try {
      await bao.#configure();
      await bao.#launch();
      await bao.#initialise();
      await bao.unseal();
      return bao;
    } catch (error) {
      await bao[Symbol.asyncDispose]();
      throw error;
    }
  }

  get address(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** PEM file with the root under which its own certificate is. */
  get caFile(): string {
    return path.join(this.#folder, 'ca.pem');
  }

  /** What a test does itself. @returns the answer's `data`. @throws Error unless the status is 2xx. */
  async do(method: 'GET' | 'POST' | 'PUT' | 'DELETE', where: string, body?: object): Promise<Json> {
    const answer = await this.ask(method, where, { token: this.#keys.root, ...(body !== undefined && { body }) });
    if (answer.status < 300) return answer.body.data ?? answer.body;
    throw new Error(`${method} ${where}: ${answer.status} ${JSON.stringify(answer.body.errors)}`);
  }

  async ask(
    method: string,
    where: string,
    { token, body }: { readonly token?: string; readonly body?: object } = {},
  ): Promise<BaoAnswer> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = {
        method,
        agent: false,
        ca: readFileSync(this.caFile, 'utf8'),
        signal: AbortSignal.timeout(START_MS),
        headers: token === undefined ? {} : { 'x-vault-token': token },
      } as const;
      request(`${this.address}/v1/${where}`, options, resolve)
        .once('error', reject)
        .end(body && JSON.stringify(body));
    });
    const text = await textOf(response);
    return { status: response.statusCode ?? 0, body: text === '' ? {} : (JSON.parse(text) as BaoAnswer['body']) };
  }

  /** @param rules path to capabilities, of a policy called `name`. */
  async policy(name: string, rules: Readonly<Record<string, readonly string[]>>): Promise<void> {
    const policy = Object.entries(rules)
      .map(
        ([where, capabilities]) => `path ${JSON.stringify(where)} { capabilities = ${JSON.stringify(capabilities)} }`,
      )
      .join('\n');
    await this.do('PUT', `sys/policies/acl/${name}`, { policy });
  }

  /** @returns a token of those policies. @param more `{ ttl: '10s', explicit_max_ttl: … }` */
  async token(policies: readonly string[], more: object = {}): Promise<string> {
    const { auth } = await this.do('POST', 'auth/token/create', { policies, no_default_policy: false, ...more });
    return String((auth as Json)['client_token']);
  }

  /** @returns the accessors of the tokens that are alive and were given at that path. */
  async tokensOf(where: string): Promise<readonly string[]> {
    const { keys } = await this.do('GET', 'auth/token/accessors?list=true');
    const alive: string[] = [];
    for (const accessor of keys as readonly string[]) {
      const { status, body } = await this.ask('POST', 'auth/token/lookup-accessor', {
        token: this.#keys.root,
        body: { accessor },
      });
      // One may end while the others are looked up.
      if (status === 200 && body.data?.['path'] === where) alive.push(accessor);
    }
    return alive;
  }

  /** It answers, and does nothing for anybody. */
  async seal(): Promise<void> {
    await this.do('PUT', 'sys/seal');
  }

  async unseal(): Promise<void> {
    await this.ask('PUT', 'sys/unseal', { body: { key: this.#keys.unseal } });
    await eventually('OpenBao is active', async () => (await this.ask('GET', 'sys/health')).status === 200, {
      withinMs: START_MS,
    });
  }

  /** Connections are taken by the kernel, and nothing is answered. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.#process === undefined) return;
    this.thaw();
    await endProcess(this.#process, STOP_MS);
    this.#process = undefined;
  }

  /** With what it stored; unsealed when this resolves. */
  async startAgain(): Promise<void> {
    await this.#launch();
    await this.unseal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #configure(): Promise<void> {
    const root = await createRoot('OpenBao Root');
    const own = await issueLeaf(root, { ip: '127.0.0.1' });
    mkdirSync(path.join(this.#folder, 'data'));
    this.#write('ca.pem', root.certificatePem);
    this.#write('cert.pem', own.chainPem);
    this.#write('key.pem', own.keyPem);
    const quoted = (name: string): string => JSON.stringify(path.join(this.#folder, name));
    const cluster = `127.0.0.1:${await freePort()}`;
    this.#write(
      'bao.hcl',
      `storage "raft" {
  path = ${quoted('data')}
  node_id = "one"
  performance_multiplier = "1"
}
listener "tcp" {
  address = "127.0.0.1:${this.port}"
  cluster_address = "${cluster}"
  tls_cert_file = ${quoted('cert.pem')}
  tls_key_file = ${quoted('key.pem')}
}
api_addr = "${this.address}"
cluster_addr = "https://${cluster}"
`,
    );
  }

  async #launch(): Promise<void> {
    const args = ['server', `-config=${path.join(this.#folder, 'bao.hcl')}`, '-log-level=error'];
    const child = startProcess(this.#binary, args, { HOME: this.#folder });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => this.#printed.push(text));
    this.#process = child;
    const answers = async (): Promise<boolean> => {
      if (child.exitCode !== null) return true;
      return (await this.ask('GET', 'sys/seal-status')).status === 200;
    };
    await eventually('OpenBao answers', answers, { withinMs: START_MS });
    if (child.exitCode !== null) throw new Error(`OpenBao ended with ${child.exitCode}: ${this.#printed.join('')}`);
  }

  async #initialise(): Promise<void> {
    const { keys, root_token: root } = (
      await this.ask('PUT', 'sys/init', { body: { secret_shares: 1, secret_threshold: 1 } })
    ).body as { readonly keys?: readonly string[]; readonly root_token?: string };
    if (keys?.[0] === undefined || root === undefined) throw new Error('OpenBao was not initialised');
    this.#keys = { unseal: keys[0], root };
  }

  #write(name: string, text: string): void {
    writeFileSync(path.join(this.#folder, name), text, { mode: 0o600 });
  }
}
