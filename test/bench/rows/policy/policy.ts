// What a policy decision costs at a thousand policies, beside the signature that follows it.
import path from 'node:path';
import { inTurn, WARM_UP_SECONDS, type Benchmark } from '../../benchmark.ts';
import { row } from '../../measurement.ts';
import { runForJson, SERVER_CORE } from '../../processes.ts';

interface Costs {
  readonly evaluateUs: number;
  readonly signUs: number;
}

const LOOP = path.join(import.meta.dirname, 'policy-loop.ts');
const NAME = 'policy.evaluate1000';

export const policyBenchmark: Benchmark = {
  rows: [NAME],
  needsGo: false,
  run: async ({ rounds, seconds }) => {
    const args = [LOOP, String(WARM_UP_SECONDS), String(seconds)];
    const measure = async (): Promise<Costs> => runForJson<Costs>(SERVER_CORE, process.execPath, args);
    const { both } = await inTurn(rounds, { both: measure });
    const yardstick = { name: 'one P-256 signature', values: both.map(({ signUs }) => signUs) };
    return [
      row(
        NAME,
        'us CPU/call',
        both.map(({ evaluateUs }) => evaluateUs),
        yardstick,
      ),
    ];
  },
};
