// A rotation of the trust anchor as operators do it, on servers whose issuers are in folders: the next intermediate is asked for,
// signed below the new root and imported by the commands, and waits there for its phase.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import type { RotationStatus } from '../../../src/authority/administration/anchor-acts.ts';
import { runCli } from '../../../src/cli/program.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { buildCsr, testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { signedUnder } from '../../support/upstream/fake-upstream.ts';
import { csrClient } from './running-server.ts';
import { nested, ServerFiles } from './server-files.ts';
import { serialsOf } from './several-processes.ts';

export const WITHIN = { withinMs: 60_000 };
/** No more often than one may ask. */
const PATIENTLY = { ...WITHIN, everyMs: 1_000 };
const DAY_MS = 86_400_000;

/** `done` comes by itself. */
const LEADS_TO: Readonly<Record<'advance' | 'retire' | 'abort', readonly string[]>> = {
  advance: ['adopt'],
  retire: ['retire', 'done'],
  abort: ['aborted'],
};

const CROSS_EXTENSIONS = [
  'basicConstraints=critical,CA:TRUE',
  'keyUsage=critical,keyCertSign,cRLSign',
  'subjectKeyIdentifier=hash',
  'authorityKeyIdentifier=keyid',
].join('\n');

export interface Ran {
  readonly code: number;
  readonly output: string;
  readonly error: string;
}

/** Below which root a leaf is, and which anchors came with it. */
export interface Received {
  readonly below: 'old' | 'new';
  readonly anchors: string;
}

type Made = Pick<NonNullable<Parameters<typeof testAuthority>[0]>, 'nowMs' | 'keyType'>;

export class AnchorDrill implements Disposable {
  readonly files: ServerFiles;
  /** With the root that comes. */
  readonly next: TestAuthority;
  /** Of all leaves that were delivered. */
  readonly serials: string[] = [];

  readonly #madeMs: number | undefined;

  private constructor(files: ServerFiles, next: TestAuthority, madeMs: number | undefined) {
    this.files = files;
    this.next = next;
    this.#madeMs = madeMs;
  }

  /** @param nowMs when CAs are made; now, unless a clock is to be set back. @param keyType of their keys. */
  static async create({ nowMs, keyType }: Made = {}): Promise<AnchorDrill> {
    const made = async (): Promise<TestAuthority> =>
      testAuthority({ ...(nowMs !== undefined && { nowMs }), ...(keyType && { keyType }) });
    const drill = new AnchorDrill(await ServerFiles.create(await made()), await made(), nowMs);
    drill.files.write('new.pem', drill.next.root.certificatePem);
    return drill;
  }

  [Symbol.dispose](): void {
    this.files[Symbol.dispose]();
  }

  /** Of a server whose issuer is in a folder of its own, which is made. @param authority what signs there now. */
  settingsIn(folder: string, { intermediate, root }: TestAuthority = this.files.pki) {
    const { files } = this;
    mkdirSync(files.path(folder), { mode: 0o700, recursive: true });
    files.write(`${folder}/tls.crt`, intermediate.certificatePem);
    files.write(`${folder}/tls.key`, intermediate.keyPem);
    files.write(`${folder}/ca.crt`, root.certificatePem);
    return {
      'issuer.chainFile': undefined,
      'issuer.keyFile': undefined,
      'issuer.directory': files.path(folder),
      'sds.sockets': [],
      'sds.rotationSpread': '0s',
    };
  }

  async run(...argv: readonly string[]): Promise<Ran> {
    const { terminal, out, error } = recordTerminal();
    const code = await runCli(argv, { terminal, environment: {}, signal: AbortSignal.timeout(60_000) });
    return { code, output: out(), error: error() };
  }

  /** @param dataDirectory of the server that is asked. */
  async anchor(argv: readonly string[], dataDirectory = this.files.directory): Promise<Ran> {
    return this.run('anchor', ...argv, '--data-dir', dataDirectory);
  }

  async start(dataDirectory?: string): Promise<void> {
    const argv = ['start', '--new', this.files.path('new.pem'), '--reason', 'it ends'];
    const { code, error } = await this.anchor(argv, dataDirectory);
    if (code !== 0) assert.equal(await this.phase(dataDirectory), 'publish', error);
  }

  async status(dataDirectory?: string): Promise<RotationStatus> {
    const { output, error } = await this.anchor(['status', '--output', 'json'], dataDirectory);
    assert.notEqual(output, '', error);
    return JSON.parse(output) as RotationStatus;
  }

  async phase(dataDirectory?: string): Promise<string | undefined> {
    return (await this.status(dataDirectory)).rotation?.phase;
  }

  /** Tries again as an operator does: what another process or server has learnt is known a moment later, and so is an answer that came late. */
  async stepDone(act: keyof typeof LEADS_TO, dataDirectory?: string): Promise<void> {
    const done = async (): Promise<boolean> => {
      const { code } = await this.anchor([act, '--reason', 'a drill'], dataDirectory);
      return code === 0 || LEADS_TO[act].includes((await this.phase(dataDirectory)) ?? '');
    };
    await eventually(`${act} is accepted`, async () => (await done()) || undefined, PATIENTLY);
  }

  async untilPhase(wanted: string, dataDirectory?: string): Promise<void> {
    const there = async (): Promise<boolean> => (await this.phase(dataDirectory)) === wanted;
    await eventually(`it is in phase ${wanted}`, async () => (await there()) || undefined, PATIENTLY);
  }

  /** The ceremony of the next intermediate, below the new root unless it is another. @returns what the import says. */
  async importNext(
    settings: Readonly<Record<string, unknown>>,
    { below = this.next, more = [] }: { readonly below?: TestAuthority; readonly more?: readonly string[] } = {},
  ): Promise<Ran> {
    await this.requestNext(settings, below);
    return this.importAgain(...more);
  }

  /** The ceremony up to the import. */
  async requestNext(settings: Readonly<Record<string, unknown>>, below = this.next): Promise<void> {
    const { files } = this;
    files.write('capstan.json', JSON.stringify(nested({ ...files.settings, ...settings })));
    const asked = await this.run('issuer', 'csr', '--config', files.path('capstan.json'));
    assert.equal(asked.code, 0, asked.error);
    const request = { csrPem: asked.output, lifetimeMs: 365 * DAY_MS };
    files.write('next-chain.pem', await signedUnder(below.root, request, this.#madeMs ?? Date.now()));
  }

  /** What `importNext` had signed. */
  async importAgain(...more: readonly string[]): Promise<Ran> {
    const files = ['--chain', this.files.path('next-chain.pem'), '--config', this.files.path('capstan.json')];
    return this.run('issuer', 'import', ...files, ...more);
  }

  /** A leaf for the service account, on a connection of its own. */
  async ask(port: number, name = 'web'): Promise<Received> {
    const newRoot = new X509Certificate(this.next.root.certificatePem);
    using client = csrClient(port, this.files.pki.root.certificatePem + this.next.root.certificatePem);
    const headers = { authorization: `Bearer ${await this.files.mint.tokenIn('default', name)}` };
    const outcome = await client.call({ csr: (await buildCsr()).pem, headers });
    assert.equal(outcome.code, status.OK, outcome.details);
    this.serials.push(...serialsOf(outcome));
    const chain = outcome.response?.certChain ?? [];
    const anchors = (chain.at(-1) ?? '').match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----/g) ?? [];
    return {
      below: new X509Certificate(chain[1] ?? '').verify(newRoot.publicKey) ? 'new' : 'old',
      anchors: anchors
        .map((pem) => (new X509Certificate(pem).fingerprint256 === newRoot.fingerprint256 ? 'new' : 'old'))
        .join(),
    };
  }

  /** Has the new root signed by the old one, as `capstan anchor plan` says it. @param digest such as `sha256`. */
  crossCertificate(digest: string): string {
    const { root } = this.files.pki;
    this.files.write('old-root.pem', root.certificatePem);
    this.files.write('old-root.key', root.keyPem);
    this.files.write('cross.ext', CROSS_EXTENSIONS);
    const [next, old, key, extensions, cross] = [
      'new.pem',
      'old-root.pem',
      'old-root.key',
      'cross.ext',
      'cross.pem',
    ].map((name) => this.files.path(name)) as [string, string, string, string, string];
    const signing = ['-CA', old, '-CAkey', key, '-CAcreateserial', '-clrext', '-extfile', extensions, '-days', '90'];
    execFileSync('openssl', ['x509', '-in', next, ...signing, `-${digest}`, '-out', cross], { stdio: 'pipe' });
    return cross;
  }

  /** Waits until many connections at once, which the kernel spreads over all processes, have the same answer. */
  async untilAll(port: number, wanted: Partial<Received>, name = 'web'): Promise<void> {
    await eventually(
      `all answer ${JSON.stringify(wanted)}`,
      async () => {
        const all = await Promise.all(Array.from({ length: 12 }, async () => this.ask(port, name)));
        const fits = all.every(
          ({ below, anchors }) => below === (wanted.below ?? below) && anchors === (wanted.anchors ?? anchors),
        );
        return fits || undefined;
      },
      PATIENTLY,
    );
  }
}
