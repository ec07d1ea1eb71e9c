// The commands that read the past, on a journal of a million decisions: each in a process of its own, beside the
// minute and the 500 MiB that it may take.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inTurn, type Benchmark } from '../benchmark.ts';
import { row, type Row } from '../measurement.ts';
import { runForJson, SERVER_CORE } from '../processes.ts';
import { writePolicyFiles } from './replay-files.ts';
import { writeJournal } from './replay-journal.ts';

const ROWS = 1_000_000;
const MOST_MS = 60_000;
const MOST_MIB = 500;

interface Ended {
  readonly code: number;
  readonly ms: number;
  readonly rssMiB: number;
  readonly error: string;
}

const COMMAND = path.join(import.meta.dirname, 'replay-command.ts');

export const replayBenchmark: Benchmark = {
  rows: ['policy.replay1M', 'policy.suggest1M', 'policy.drift1M'],
  needsGo: false,
  run: async ({ rounds }) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'capstan-replay-'));
    try {
      await writePolicyFiles(folder);
      writeJournal(path.join(folder, 'journal.db'), ROWS, Date.now());
      return await measure(folder, rounds);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

async function measure(folder: string, rounds: number): Promise<readonly Row[]> {
  const file = (name: string): string => path.join(folder, name);
  const journal = ['--journal', file('journal.db')];
  const judged = ['--bundle', file('bundle.yaml'), '--cluster', file('cluster')];
  const results = await inTurn(rounds, {
    replay: command(['policy', 'replay', ...journal, '--since', '30d', ...judged, '--with', file('policies')]),
    suggest: command(['policy', 'suggest', ...journal, '--since', '30d', '--namespace', 'team-7']),
    drift: command(['drift', ...journal, ...judged, '--policies', file('policies')]),
  });
  return Object.entries(results).map(([name, ended]) => rowOf(name, ended));
}

function command(words: readonly string[]): () => Promise<Ended> {
  return async () => {
    const ended = await runForJson<Ended>(SERVER_CORE, process.execPath, [COMMAND, ...words]);
    if (ended.code > 1) throw new Error(`${words.join(' ')} ended with ${ended.code}: ${ended.error}`);
    return ended;
  };
}

/** @throws Error when it took more memory than it may. */
function rowOf(name: string, ended: readonly Ended[]): Row {
  const most = Math.max(...ended.map(({ rssMiB }) => rssMiB));
  console.error(`policy.${name}1M: ${Math.round(most)} MiB at most, of ${MOST_MIB} MiB`);
  if (most > MOST_MIB) throw new Error(`policy.${name}1M took ${Math.round(most)} MiB`);
  const times = ended.map(({ ms }) => ms);
  return row(`policy.${name}1M`, 'ms', times, { name: 'the minute it may take', values: [MOST_MS] });
}
