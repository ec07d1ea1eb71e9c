// What follows when a cluster's nodes come back: the agents of all its pods arrive at once, and all must have their
// certificates soon, by the attempts that Istio's agent makes. And what a namespace that never pauses does to the others.
// The server is a process of its own; the agents are a Go program, for so many connections at once are too many for a
// second Node beside it.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { ChildServer } from '../../app/support/child-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { buildGoPrograms } from '../../bench/yardsticks.ts';
import { buildCsr } from '../../support/certificates.ts';
import { MAX_P99_MS, NOISY, quotaOf } from '../flood/flood.ts';
import type { Measured, Soak, SoakOptions } from '../soak.ts';
import { ClusterTokens, type Crowd, mintedTokens, namespaceOf, type TokenSource } from './crowds.ts';

const run = promisify(execFile);

/** All have their certificates by then. */
const WITHIN_SECONDS = 30;
/** Answers that Istio's agent takes for final; it then comes back by its own start-up loop alone. */
const HARD = ['Unauthenticated', 'PermissionDenied', 'InvalidArgument', 'FailedPrecondition', 'Internal', 'Unknown'];

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
  readonly cpuSeconds: number;
}

const CROWD: Crowd = { namespaces: 50, agents: 5_000 };
const NOISE: Noise = { agents: 50, arrivalsPerSecond: 100 };

export const storms: readonly Soak[] = [
  { name: 'storm.restart', seconds: WITHIN_SECONDS, run: async (options) => runRestart(CROWD, options) },
  { name: 'storm.cluster', seconds: WITHIN_SECONDS, run: async (options) => runClusterRestart(CROWD, options) },
  {
    name: 'storm.noisy',
    seconds: WITHIN_SECONDS,
    run: async (options) => runNoisy({ namespaces: 49, agents: 100 * options.seconds }, NOISE, options),
  },
];

/** All agents of the crowd arrive in the same moment. */
export async function runRestart(crowd: Crowd, { say }: SoakOptions): Promise<readonly Measured[]> {
  using files = await ServerFiles.create();
  await using source = mintedTokens(files);
  return await arriveAtOnce({ files, source, crowd, say });
}

/** The same, with pods of a real cluster, by whose API server the server attests them. */
export async function runClusterRestart(crowd: Crowd, { say }: SoakOptions): Promise<readonly Measured[]> {
  using files = await ServerFiles.create();
  await using source = await ClusterTokens.start();
  const measured = await arriveAtOnce({ files, source, crowd, say });
  return [...measured, { name: 'TokenReviews', value: await source.reviews(), unit: 'asked of the API server' }];
}

/** Agents of other namespaces arrive one by one while those of one ask without a pause. */
export async function runNoisy(
  crowd: Crowd,
  { agents: noisy, arrivalsPerSecond }: Noise,
  { say }: SoakOptions,
): Promise<readonly Measured[]> {
  using files = await ServerFiles.create();
  await using source = mintedTokens(files);
  const tokens = await source.tokens(crowd);
  const flood = await Promise.all(
    Array.from({ length: noisy }, async (_none, number) => files.mint.tokenIn(NOISY, `account-${number}`)),
  );
  await using server = await startServer(files, source, crowd);
  const report = await storm(server, files, [
    ...['-tokens', written(files, 'tokens', tokens)],
    ...['-flood', written(files, 'noisy', flood)],
    ...['-rate', String(arrivalsPerSecond)],
  ]);
  return [
    ...outcomesOf(report, say),
    { name: 'calls of the noisy namespace', value: report.floodCalls / report.seconds, unit: 'a second' },
    { name: 'p50 of the others', value: report.p50Ms, unit: 'ms' },
    { name: 'p99 of the others', value: report.p99Ms, unit: 'ms', bound: MAX_P99_MS },
  ];
}

interface Storm {
  readonly files: ServerFiles;
  readonly source: TokenSource;
  readonly crowd: Crowd;
  readonly say: (line: string) => void;
}

async function arriveAtOnce({ files, source, crowd, say }: Storm): Promise<readonly Measured[]> {
  const tokens = await source.tokens(crowd);
  await using server = await startServer(files, source, crowd);
  const args = ['-tokens', written(files, 'tokens', tokens), '-within', `${2 * WITHIN_SECONDS}s`];
  const report = await storm(server, files, args);
  return [
    ...outcomesOf(report, say),
    { name: 'until the last had its certificate', value: report.seconds, unit: 's', bound: WITHIN_SECONDS },
    { name: 'certificates', value: report.enrolled / report.seconds, unit: 'a second' },
    { name: 'p50', value: report.p50Ms, unit: 'ms' },
    { name: 'p99', value: report.p99Ms, unit: 'ms' },
    { name: 'CPU of the server', value: report.cpuSeconds, unit: 's' },
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

/** One whose policy knows the namespaces of the crowd, and the noisy one, which has a quota. */
async function startServer(files: ServerFiles, { settings }: TokenSource, { namespaces }: Crowd): Promise<ChildServer> {
  const names = Array.from({ length: namespaces }, (_none, index) => namespaceOf(index));
  files.setPolicy([{ namespaces: [NOISY, ...names] }]);
  files.setLocal('noisy.yaml', quotaOf(NOISY));
  return ChildServer.start(files, { 'telemetry.logLevel': 'info', 'serving.dnsNames': ['localhost'], ...settings });
}

/** @throws Error when Go cannot be had. */
async function storm(server: ChildServer, files: ServerFiles, args: readonly string[]): Promise<StormReport> {
  const programs = await buildGoPrograms();
  if ('absent' in programs) throw new Error(programs.absent);
  const { stdout } = await run(programs.client, [
    'storm',
    ...['-address', `127.0.0.1:${server.tlsPort}`],
    ...['-pid', String(server.pid)],
    ...['-roots', written(files, 'roots.pem', [files.pki.root.certificatePem])],
    ...['-csr', written(files, 'csr.pem', [(await buildCsr()).pem])],
    ...args,
  ]);
  return JSON.parse(stdout) as StormReport;
}

/** @returns its path. */
function written(files: ServerFiles, name: string, lines: readonly string[]): string {
  const file = files.path(name);
  writeFileSync(file, lines.join('\n'));
  return file;
}
