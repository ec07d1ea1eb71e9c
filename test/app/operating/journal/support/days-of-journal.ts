// Servers one after another on one journal, each on a day of its own, and an export that the last one signs.
import { generateKeyPairSync } from 'node:crypto';
import { SystemClock } from '../../../../../src/adapters/clock/system-clock.ts';
import { runCli } from '../../../../../src/cli/program.ts';
import { recordTerminal } from '../../../../cli/support/recorded-terminal.ts';
import { testAuthority } from '../../../../support/certificates.ts';
import { eventually } from '../../../../support/eventually.ts';
import { RunningServer } from '../../../support/running-server.ts';
import { nested, ServerFiles } from '../../../support/server-files.ts';

const DAY_MS = 24 * 3_600_000;
const SOON = { withinMs: 30_000 };

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

export class DaysOfJournal implements Disposable {
  readonly files: ServerFiles;
  readonly settings: Readonly<Record<string, unknown>>;

  #exports = 0;

  private constructor(files: ServerFiles, settings: Readonly<Record<string, unknown>>) {
    this.files = files;
    this.settings = settings;
  }

  /** @param more settings of the journal. */
  static async create(
    oldestDaysAgo: number,
    more: Readonly<Record<string, unknown>> = {},
    { hasWitness = false }: { readonly hasWitness?: boolean } = {},
  ): Promise<DaysOfJournal> {
    const files = await ServerFiles.create(await testAuthority({ nowMs: Date.now() - (oldestDaysAgo + 1) * DAY_MS }));
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    files.write('heads-key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
    files.write('heads.pem', publicKey.export({ type: 'spki', format: 'pem' }));
    const settings = {
      'journal.retention': '30d',
      'authentication.clientCertificates': false,
      'listen.administration.socket': files.path('admin.sock'),
      'audit.keyFile': files.path('heads-key.pem'),
      'audit.headEvery': '1s',
      ...(hasWitness && { 'audit.witness.file': files.path('witness.jsonl') }),
      ...more,
    };
    files.write('capstan.json', JSON.stringify(nested({ ...files.settings, ...settings })));
    return new DaysOfJournal(files, settings);
  }

  /** What it makes of its journal has to be waited for. */
  async begin(daysAgo = 0): Promise<RunningServer> {
    const clock = new SystemClock({ wallMs: () => Date.now() - daysAgo * DAY_MS });
    return RunningServer.start({ files: this.files, settings: this.settings, clock });
  }

  /** Until it has signed what is there. */
  async start(daysAgo = 0): Promise<RunningServer> {
    const server = await this.begin(daysAgo);
    await eventually('a head is made', async () => isSigned(server), SOON);
    return server;
  }

  /** A server runs that day, and issues. @returns since when, in ms since the epoch. */
  async day(daysAgo: number): Promise<number> {
    const sinceMs = Date.now() - daysAgo * DAY_MS;
    await using server = await this.start(daysAgo);
    await server.ask('default', 'demo');
    await server.stop();
    return sinceMs;
  }

  /** @param proofs of the verifier, behind the key. */
  async exportAndVerify(...proofs: readonly string[]): Promise<Said> {
    this.#exports += 1;
    const to = this.files.path(`journal-${this.#exports}.jsonl`);
    const exported = await this.run('export', '--sign', '--to', to, '--config', this.files.path('capstan.json'));
    if (exported.code !== 0) throw new Error(exported.error);
    return this.run('verify', to, '--key', this.files.path('heads.pem'), ...proofs);
  }

  async run(...words: readonly string[]): Promise<Said> {
    const { terminal, out, error } = recordTerminal();
    const options = { terminal, environment: {}, signal: new AbortController().signal };
    const code = await runCli(['journal', ...words], options);
    return { code, out: out(), error: error() };
  }

  [Symbol.dispose](): void {
    this.files[Symbol.dispose]();
  }
}

async function isSigned(server: RunningServer): Promise<boolean> {
  return /^capstan_audit_unsigned_seconds 0$/m.test(await (await server.get('/metrics')).text());
}
