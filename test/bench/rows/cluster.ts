// What one change costs in a large cluster, beside reading its JSON, and what the cluster takes in memory.
import path from 'node:path';
import { inTurn, WARM_UP_SECONDS, type Benchmark } from '../benchmark.ts';
import { row } from '../measurement.ts';
import { runForJson, SERVER_CORE } from '../processes.ts';

interface Costs {
  readonly eventUs: number;
  readonly parseUs: number;
  readonly residentMiB: number;
}

const LOOP = path.join(import.meta.dirname, 'cluster-loop.ts');
const EVENT = 'cluster.event50k';
const MEMORY = 'cluster.memory50k';

export const clusterBenchmark: Benchmark = {
  rows: [EVENT, MEMORY],
  needsGo: false,
  run: async ({ rounds, seconds }) => {
    const args = ['--expose-gc', LOOP, String(WARM_UP_SECONDS), String(seconds)];
    const measure = async (): Promise<Costs> => runForJson<Costs>(SERVER_CORE, process.execPath, args);
    const { both } = await inTurn(rounds, { both: measure });
    const yardstick = { name: 'its JSON.parse', values: both.map(({ parseUs }) => parseUs) };
    return [
      row(
        EVENT,
        'us CPU/call',
        both.map(({ eventUs }) => eventUs),
        yardstick,
      ),
      row(
        MEMORY,
        'MiB',
        both.map(({ residentMiB }) => residentMiB),
        { name: 'none', values: [] },
      ),
    ];
  },
};
