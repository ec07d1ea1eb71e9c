// What it costs to issue while the certificates of a large mesh are put to a policy that has changed: one server has them, another none.
import path from 'node:path';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import type { PolicyInForce } from '../../../../src/adapters/http/observation/routes.ts';
import { eventually } from '../../../support/eventually.ts';
import { inTurn, type Benchmark } from '../../benchmark.ts';
import { row } from '../../measurement.ts';
import { startCapstan, type Capstan } from '../../servers.ts';
import { liveRecord } from '../policy/live-records.ts';
import { drive, type Calls } from './calls.ts';

const NAME = 'e2e.kept.p256.judging';
/** Enough for rounds of two minutes in all. */
const LIVE = Number(process.env['BENCH_LIVE'] ?? 100_000);
const BATCH = 10_000;
const UNTIL_TAKEN_IN = { withinMs: 600_000, everyMs: 1_000 };

export const judgingBenchmark: Benchmark = {
  rows: [NAME, `${NAME}.rate`, `${NAME}.p50`, `${NAME}.p99`],
  needsGo: true,
  run: async (context) => {
    const store = path.join(context.material.folder, 'judged.sqlite');
    fill(store);
    await using judging = await startCapstan(context.material, { streams: 0, journal: { store } });
    await using idle = await startCapstan(context.material, { streams: 0 });
    await demandJudging(judging);
    const measured = await inTurn(context.rounds, {
      judging: async () => drive(context, judging, 'kept'),
      idle: async () => drive(context, idle, 'kept'),
    });
    await demandJudging(judging);
    const compare = (suffix: string, unit: string, of: (calls: Calls) => number) =>
      row(NAME + suffix, unit, measured.judging.map(of), { name: 'nothing to judge', values: measured.idle.map(of) });
    return [
      compare('', 'us CPU/call', (calls) => calls.cpuMicrosPerCall),
      compare('.rate', 'calls/s', (calls) => calls.perSecond),
      compare('.p50', 'ms', (calls) => calls.p50Ms),
      compare('.p99', 'ms', (calls) => calls.p99Ms),
    ];
  },
};

function fill(file: string): void {
  const writer = new JournalWriter({ file });
  const nowMs = Date.now();
  for (let first = 0; first < LIVE; first += BATCH) {
    writer.append(
      Array.from({ length: Math.min(BATCH, LIVE - first) }, (_, index) => liveRecord(first + index, nowMs)),
    );
  }
  writer.close();
}

/** That it goes on: what is over costs nothing any more. */
async function demandJudging({ httpAddress }: Capstan): Promise<void> {
  await eventually(
    'live certificates are being judged',
    async () => {
      const { certificates } = (await (await fetch(`http://${httpAddress}/policy`)).json()) as PolicyInForce;
      const { entries = 0, of = 0 } = certificates?.progress ?? {};
      if (entries > 0) console.error(`${entries} of ${of} are judged`);
      return entries > 0;
    },
    UNTIL_TAKEN_IN,
  );
}
