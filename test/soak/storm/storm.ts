// What follows when a cluster's nodes come back: the agents of all its pods arrive at once, and all must have their
// certificates soon, by the attempts that Istio's agent makes. And what a namespace that never pauses does to the others.
// The server is a process of its own; the agents are a Go program, for two thousand connections a second are too many
// for a second Node beside it.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { ChildServer } from '../../app/support/child-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { buildGoPrograms } from '../../bench/yardsticks.ts';
import { buildCsr } from '../../support/certificates.ts';
import { NOISY, MAX_P99_MS, quotaOf } from '../flood/flood.ts';
import type { Measured, Soak, SoakOptions } from '../soak.ts';

const run = promisify(execFile);

/** All have their certificates by then. */
const WITHIN_SECONDS = 30;
/** Answers that Istio's agent takes for final; it then comes back by its own start-up loop alone. */
const HARD = ['Unauthenticated', 'PermissionDenied', 'InvalidArgument', 'FailedPrecondition', 'Internal', 'Unknown'];

export interface Crowd {
  readonly namespaces: number;
  readonly agents: number;
}

/** Of the namespace that never pauses. */
export interface Noise {
  /** Agents of it, each with a connection of its own. */
  readonly agents: number;
  /** Of the others, in all. */
  readonly arrivalsPerSecond: number;
}

/** What `client storm` prints. */
interface StormReport {
  readonly agents: number;
  readonly enrolled: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly refusals: Readonly<Record<string, number>>;
  readonly texts: Readonly<Record<string, string>>;
  readonly floodCalls: number;
}

const CROWD: Crowd = { namespaces: 50, agents: 5_000 };
const NOISE: Noise = { agents: 50, arrivalsPerSecond: 100 };

export const storms: readonly Soak[] = [
  { name: 'storm.restart', seconds: WITHIN_SECONDS, run: async (options) => runRestart(CROWD, options) },
  {
    name: 'storm.noisy',
    seconds: WITHIN_SECONDS,
    run: async (options) => runNoisy({ namespaces: 49, agents: 100 * options.seconds }, NOISE, options),
  },
];

/** All agents of the crowd arrive in the same moment. */
export async function runRestart({ namespaces, agents }: Crowd, { say }: SoakOptions): Promise<readonly Measured[]> {
  await using parts = await Parts.start(namespaces);
  const tokens = await parts.tokens(agents);
  const report = await parts.storm(['-tokens', parts.write('tokens', tokens), '-within', `${2 * WITHIN_SECONDS}s`]);
  return [
    ...outcomesOf(report, say),
    { name: 'until the last had its certificate', value: report.seconds, unit: 's', bound: WITHIN_SECONDS },
    { name: 'p50', value: report.p50Ms, unit: 'ms' },
    { name: 'p99', value: report.p99Ms, unit: 'ms' },
  ];
}

/** Agents of other namespaces arrive one by one while those of one ask without a pause. */
export async function runNoisy(
  { namespaces, agents }: Crowd,
  { agents: noisy, arrivalsPerSecond }: Noise,
  { say }: SoakOptions,
): Promise<readonly Measured[]> {
  await using parts = await Parts.start(namespaces);
  const tokens = await parts.tokens(agents);
  const report = await parts.storm([
    ...['-tokens', parts.write('tokens', tokens)],
    ...['-flood', parts.write('noisy', await parts.noisyTokens(noisy))],
    ...['-rate', String(arrivalsPerSecond)],
  ]);
  return [
    ...outcomesOf(report, say),
    { name: 'calls of the noisy namespace', value: report.floodCalls / report.seconds, unit: 'a second' },
    { name: 'p50 of the others', value: report.p50Ms, unit: 'ms' },
    { name: 'p99 of the others', value: report.p99Ms, unit: 'ms', bound: MAX_P99_MS },
  ];
}

function outcomesOf(report: StormReport, say: (line: string) => void): readonly Measured[] {
  for (const [code, text] of Object.entries(report.texts)) say(`${report.refusals[code]} × ${code}: ${text}`);
  const hard = HARD.reduce((sum, code) => sum + (report.refusals[code] ?? 0), 0);
  return [
    { name: 'agents', value: report.agents, unit: 'arrived' },
    { name: 'without a certificate', value: report.agents - report.enrolled, unit: 'agents', bound: 0 },
    { name: 'hard errors', value: hard, unit: 'answers', bound: 0 },
  ];
}

const namespaceOf = (index: number): string => `storm-${index}`;

/** A server whose policy knows the namespaces of the crowd and the noisy one, with the files of the agents. */
class Parts implements AsyncDisposable {
  readonly #files: ServerFiles;
  readonly #server: ChildServer;
  readonly #client: string;
  readonly #namespaces: number;

  private constructor(files: ServerFiles, server: ChildServer, client: string, namespaces: number) {
    this.#files = files;
    this.#server = server;
    this.#client = client;
    this.#namespaces = namespaces;
  }

  /** @throws Error when Go cannot be had. */
  static async start(namespaces: number): Promise<Parts> {
    const programs = await buildGoPrograms();
    if ('absent' in programs) throw new Error(programs.absent);
    const files = await ServerFiles.create();
    const names = Array.from({ length: namespaces }, (_none, index) => namespaceOf(index));
    files.setPolicy([{ namespaces: [NOISY, ...names] }]);
    files.setLocal('noisy.yaml', quotaOf(NOISY));
    files.write('csr.pem', (await buildCsr()).pem);
    files.write('roots.pem', files.pki.root.certificatePem);
    const settings = { 'telemetry.logLevel': 'info', 'serving.dnsNames': ['localhost'] };
    return new Parts(files, await ChildServer.start(files, settings), programs.client, namespaces);
  }

  /** One for each agent, the namespaces in turn; each of a service account of its own. */
  async tokens(agents: number): Promise<readonly string[]> {
    const { mint } = this.#files;
    const numbers = Array.from({ length: agents }, (_none, number) => number);
    return Promise.all(
      numbers.map((number) => mint.tokenIn(namespaceOf(number % this.#namespaces), `account-${number}`)),
    );
  }

  async noisyTokens(agents: number): Promise<readonly string[]> {
    const numbers = Array.from({ length: agents }, (_none, number) => number);
    return Promise.all(numbers.map((number) => this.#files.mint.tokenIn(NOISY, `account-${number}`)));
  }

  /** @returns its path. */
  write(name: string, lines: readonly string[]): string {
    const file = this.#files.path(name);
    writeFileSync(file, lines.join('\n'));
    return file;
  }

  async storm(args: readonly string[]): Promise<StormReport> {
    const { stdout } = await run(this.#client, [
      'storm',
      ...['-address', `127.0.0.1:${this.#server.tlsPort}`],
      ...['-roots', this.#files.path('roots.pem')],
      ...['-csr', this.#files.path('csr.pem')],
      ...args,
    ]);
    return JSON.parse(stdout) as StormReport;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    this.#files[Symbol.dispose]();
  }
}
