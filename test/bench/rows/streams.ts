// SDS streams, each on its own TLS connection: memory of an idle one, and the time until every
// stream holds a copy of a new trust bundle of about 4 KB.
import { inTurn, type Benchmark, type Context } from '../benchmark.ts';
import { row } from '../measurement.ts';
import { CLIENT_CORE, runForJson, type RunningServer } from '../processes.ts';
import { startBareServer, startCapstan } from '../servers.ts';

/** What `client streams` prints; times of a push run from its trigger. */
interface Streams {
  readonly idleKibPerStream: number;
  readonly cpuMicrosPerCopy: number;
  readonly bytesPerCopy: number;
  readonly pushes: readonly { readonly firstMs: number; readonly lastMs: number }[];
}

/** The row of the largest fleet has the plain name. */
const idleRow = (streams: number) => (streams === 5000 ? 'sds.idle.kib' : `sds.idle${streams}.kib`);

export function streamsBenchmark(streams: number): Benchmark {
  const push = `sds.push${streams}.ms`;
  const swap = `sds.swap${streams}.ms`;
  const copy = `sds.copy${streams}.us`;
  return {
    rows: [idleRow(streams), push, swap, copy],
    needsGo: true,
    run: async (context) => {
      let secretBytes = 4096;
      const measured = await inTurn(context.rounds, {
        ours: async () => {
          const result = await ours(context, streams);
          secretBytes = result.bytesPerCopy;
          return result;
        },
        bare: async () => theirs(context, streams, secretBytes),
      });
      const compare = (name: string, unit: string, of: (result: Streams) => readonly number[]) =>
        row(name, unit, measured.ours.flatMap(of), { name: 'bare grpc-go', values: measured.bare.flatMap(of) });
      return [
        compare(idleRow(streams), 'KiB/stream', (result) => [result.idleKibPerStream]),
        compare(push, 'ms', (result) => result.pushes.map(({ firstMs, lastMs }) => lastMs - firstMs)),
        compare(swap, 'ms', (result) => result.pushes.map(({ lastMs }) => lastMs)),
        compare(copy, 'us CPU/copy', (result) => [result.cpuMicrosPerCopy]),
      ];
    },
  };
}

/** A push is the bundle's file replaced; a new server each round, so that memory starts from nothing. */
async function ours(context: Context, streams: number): Promise<Streams> {
  await using server = await startCapstan(context.material, { streams });
  return await follow(context, server, streams, [
    '-swap',
    `${server.bundleFile}=${context.material.bundles.join(',')}`,
  ]);
}

async function theirs(context: Context, streams: number, secretBytes: number): Promise<Streams> {
  await using server = await startBareServer(context, { secretBytes });
  return await follow(context, server, streams, []);
}

async function follow({ go, material }: Context, server: RunningServer, streams: number, extra: readonly string[]) {
  if (go === undefined) throw new Error('the load client needs Go');
  return runForJson<Streams>(CLIENT_CORE, go.client, [
    'streams',
    ...['-address', server.address, '-pid', String(server.pid), '-roots', material.roots],
    ...['-tokens', material.tokens, '-streams', String(streams)],
    ...['-settle', '2s', '-pause', '600ms', '-pushes', '5'],
    ...extra,
  ]);
}
