// What a signature costs when the key lies with the supervisor, in CPU time of both processes; the yardstick is the same
// key in the process that asks.
import path from 'node:path';
import { inTurn, WARM_UP_SECONDS, type Benchmark } from '../benchmark.ts';
import { row } from '../measurement.ts';
import { runForJson, SERVER_CORE } from '../processes.ts';

interface Cost {
  readonly microseconds: number;
}

const LOOP = path.join(import.meta.dirname, 'sign-loop.ts');
const NAME = 'sign.relayed.p256';

export const relayedSignBenchmark: Benchmark = {
  rows: [NAME],
  needsGo: false,
  run: async ({ material, seconds, rounds }) => {
    const cost = async (where: string): Promise<number> => {
      const args = [LOOP, where, material.issuerKey, String(WARM_UP_SECONDS), String(seconds)];
      return (await runForJson<Cost>(SERVER_CORE, process.execPath, args)).microseconds;
    };
    const measured = await inTurn(rounds, {
      relayed: async () => cost('relayed'),
      own: async () => cost('own'),
    });
    return [row(NAME, 'us CPU/call', measured.relayed, { name: 'the key in the same process', values: measured.own })];
  },
};
