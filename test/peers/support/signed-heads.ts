// A server whose key of heads is in a token or an engine, for the tests of those: what it signs is proven by the public key alone,
// and while the key is away heads are late and nothing else.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { runCli } from '../../../src/cli/program.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { nested, ServerFiles } from '../../app/support/server-files.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { eventually } from '../../support/eventually.ts';

/** A key that is back is opened with the next head; a busy machine takes its time. */
const SOON = { withinMs: 60_000 };

export class SignedHeads implements AsyncDisposable {
  readonly #files: ServerFiles;
  readonly #server: RunningServer;

  private constructor(files: ServerFiles, server: RunningServer) {
    this.#files = files;
    this.#server = server;
  }

  /**
   * @param settings where the key is.
   * @param publicPem its public half.
   */
  static async start(settings: Readonly<Record<string, unknown>>, publicPem: string): Promise<SignedHeads> {
    const files = await ServerFiles.create();
    const all = { ...settings, 'audit.headEvery': '1s', 'audit.witness.file': files.path('witness.jsonl') };
    files.write('heads.pem', publicPem);
    files.write('capstan.json', JSON.stringify(nested({ ...files.settings, ...all })));
    return new SignedHeads(files, await RunningServer.start({ files, settings: all }));
  }

  /** What is recorded now is soon in a head that a witness keeps. */
  async demandHeads(): Promise<void> {
    const before = this.#witnessed();
    await this.demandCertificate();
    await eventually('a head is witnessed', () => this.#witnessed() > before, SOON);
    await eventually('the server is well', async () => (await this.#ready()).problem === undefined, SOON);
  }

  async demandCertificate(): Promise<void> {
    const { code, details } = await this.#server.ask('default', 'demo');
    assert.equal(code, status.OK, details);
  }

  /** Heads are late, which is said and counted; the server is ready, and issues. */
  async demandLate(words: RegExp): Promise<void> {
    await this.demandCertificate();
    const before = this.#witnessed();
    const { code, problem } = await eventually(
      'it says so',
      async () => {
        const ready = await this.#ready();
        return ready.problem === undefined ? undefined : ready;
      },
      SOON,
    );
    assert.equal(code, 200);
    assert.match(problem ?? '', words);
    await this.demandCertificate();
    const late = async (): Promise<boolean> =>
      Number(/^capstan_audit_unsigned_seconds (.*)$/m.exec(await this.#page())?.[1]) > 0;
    await eventually('it is counted', late, SOON);
    assert.equal(this.#witnessed(), before);
    await eventually('it is logged', () => this.#files.logged('auditWarning').length > 0, SOON);
  }

  /** All that was recorded so far, by the public key alone. */
  async demandProven(): Promise<void> {
    rmSync(this.#files.path('all'), { force: true });
    const exported = await run(
      'journal',
      'export',
      '--config',
      this.#files.path('capstan.json'),
      '--sign',
      '--to',
      this.#files.path('all'),
    );
    assert.equal(exported.code, 0, exported.error);
    const given = ['--key', this.#files.path('heads.pem'), '--witness', this.#files.path('witness.jsonl')];
    const { code, out } = await run('journal', 'verify', this.#files.path('all'), ...given);
    assert.equal(code, 0, out);
  }

  get logText(): string {
    return this.#files.logText;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    this.#files[Symbol.dispose]();
  }

  #witnessed(): number {
    const file = this.#files.path('witness.jsonl');
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
  }

  async #ready(): Promise<{ readonly code: number; readonly problem: string | undefined }> {
    const answer = await this.#server.get('/readyz');
    const [, problem] = /"audit heads","why":"((?:[^"\\]|\\.)*)"/.exec(await answer.text()) ?? [];
    return { code: answer.status, problem };
  }

  async #page(): Promise<string> {
    return (await this.#server.get('/metrics')).text();
  }
}

async function run(...words: readonly string[]): Promise<{ code: number; out: string; error: string }> {
  const { terminal, out, error } = recordTerminal();
  const code = await runCli(words, { terminal, environment: {}, signal: AbortSignal.timeout(60_000) });
  return { code, out: out(), error: error() };
}
