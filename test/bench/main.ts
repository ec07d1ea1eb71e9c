// `npm run bench`: measures each row beside its yardstick and prints a table, or JSON.
// docs/performance.md says how, and what came of it.
import { cpus } from 'node:os';
import type { Benchmark, Context } from './benchmark.ts';
import { clusterBenchmark } from './rows/cluster.ts';
import { callsBenchmark, headsBenchmark, postgresBenchmark, processesBenchmark } from './rows/calls/calls.ts';
import { issueBenchmark } from './rows/issue/issue.ts';
import { listBenchmark } from './rows/list/list.ts';
import { judgingBenchmark } from './rows/calls/judging.ts';
import { makeMaterial } from './material.ts';
import type { Row } from './measurement.ts';
import { pkcs11Benchmark } from './rows/issue/pkcs11.ts';
import { liveBenchmark } from './rows/policy/live.ts';
import { policyBenchmark } from './rows/policy/policy.ts';
import { optionsFrom, USAGE, type Options } from './options.ts';
import { canPin } from './processes.ts';
import { replayBenchmark } from './rows/replay.ts';
import { relayedSignBenchmark } from './rows/sign.ts';
import { streamsBenchmark } from './rows/streams.ts';
import { tableOf } from './table.ts';
import { visibilityBenchmark } from './rows/calls/visibility.ts';
import { verifyBenchmark } from './rows/verify.ts';
import { buildGoPrograms, type GoPrograms } from './yardsticks.ts';

const BENCHMARKS: readonly Benchmark[] = [
  issueBenchmark('p256'),
  issueBenchmark('rsa2048'),
  relayedSignBenchmark,
  pkcs11Benchmark,
  policyBenchmark,
  liveBenchmark,
  replayBenchmark,
  verifyBenchmark,
  listBenchmark,
  clusterBenchmark,
  callsBenchmark('kept'),
  callsBenchmark('fresh'),
  processesBenchmark,
  postgresBenchmark,
  headsBenchmark,
  visibilityBenchmark,
  judgingBenchmark,
  streamsBenchmark(1000),
  streamsBenchmark(5000),
];

const say = (line: string): void => console.error(line);

async function run(options: Options): Promise<readonly Row[]> {
  const wanted = (name: string) => options.only === undefined || name.startsWith(options.only);
  const chosen = BENCHMARKS.filter(({ rows }) => rows.some(wanted));
  if (chosen.length === 0) throw new Error(`no row begins with ${options.only ?? ''}; ${USAGE}`);
  const go = await goOrReason();
  say(machine(go));
  await using material = await makeMaterial();
  const rows: Row[] = [];
  for (const benchmark of chosen) rows.push(...(await measure(benchmark, { ...options, material, go })));
  return rows.filter(({ name }) => wanted(name));
}

async function measure(benchmark: Benchmark, context: Context): Promise<readonly Row[]> {
  const names = benchmark.rows.join(', ');
  if (benchmark.needsGo && context.go === undefined) {
    say(`skipped: ${names}: the load client needs Go`);
    return [];
  }
  say(`measuring ${names}`);
  return benchmark.run(context);
}

/** A missing Go is said, not hidden; REQUIRE_PEERS=1 makes it a failure. */
async function goOrReason(): Promise<GoPrograms | undefined> {
  const go = await buildGoPrograms();
  if (!('absent' in go)) return go;
  say(`no Go yardsticks: ${go.absent}`);
  if (process.env['REQUIRE_PEERS'] === '1') throw new Error('REQUIRE_PEERS=1, but the Go yardsticks are absent');
  return undefined;
}

function machine(go: GoPrograms | undefined): string {
  const cores = cpus();
  const pinning = canPin() ? 'server on core 0, client on core 1' : 'processes not pinned';
  return `${cores.length} x ${cores[0]?.model ?? 'unknown'}; node ${process.version}; ${go?.version ?? 'no go'}; ${pinning}`;
}

try {
  const options = optionsFrom(process.argv.slice(2));
  const rows = await run(options);
  console.log(options.output === 'json' ? JSON.stringify(rows, null, 2) : tableOf(rows));
  if (options.output === 'table')
    console.log('\nratio: above 1.00 we are better than the yardstick, in either direction.');
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
