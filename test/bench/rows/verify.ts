// What it takes to prove an exported journal of a million decisions by the public key alone: in a process of its own, beside the
// minute and the 500 MiB that it may take.
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { largeExport } from '../../domain/audit/support/large-export.ts';
import { headKey } from '../../domain/audit/support/sample-export.ts';
import { inTurn, type Benchmark } from '../benchmark.ts';
import { row } from '../measurement.ts';
import { runForJson, SERVER_CORE } from '../processes.ts';

const RECORDS = 1_000_000;
const MOST_MS = 60_000;
const MOST_MIB = 500;
const NAME = 'audit.verify1M';
const COMMAND = path.join(import.meta.dirname, 'replay-command.ts');

interface Ended {
  readonly code: number;
  readonly ms: number;
  readonly rssMiB: number;
  readonly out: string;
}

export const verifyBenchmark: Benchmark = {
  rows: [NAME],
  needsGo: false,
  run: async ({ rounds }) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'capstan-verify-'));
    try {
      const [file, keyFile] = [path.join(folder, 'journal.jsonl'), path.join(folder, 'heads.pem')];
      const key = headKey();
      await writeFile(keyFile, key.publicPem);
      await pipeline(largeExport(RECORDS, key), createWriteStream(file));
      const { verify } = await inTurn(rounds, { verify: async () => verified(file, keyFile) });
      return [row(NAME, 'ms', verify, { name: 'the minute it may take', values: [MOST_MS] })];
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

/** @returns ms. @throws Error when it is not proven, or took more memory than it may. */
async function verified(file: string, keyFile: string): Promise<number> {
  const args = [COMMAND, 'journal', 'verify', file, '--key', keyFile];
  const { code, ms, rssMiB, out } = await runForJson<Ended>(SERVER_CORE, process.execPath, args);
  if (code !== 0) throw new Error(`the export was not proven: ${out}`);
  console.error(`${NAME}: ${Math.round(rssMiB)} MiB at most, of ${MOST_MIB} MiB`);
  if (rssMiB > MOST_MIB) throw new Error(`${NAME} took ${Math.round(rssMiB)} MiB`);
  return ms;
}
