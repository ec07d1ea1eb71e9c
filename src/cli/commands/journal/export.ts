// `capstan journal export`: the journal as JSON Lines, for a SIEM and for who verifies it, also while a server is running.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { EXPORT_ENDS } from '../../../adapters/http/admin/records/administer-audit.ts';
import type { AskedEnd } from '../../../authority/audit/export-ends.ts';
import type { ChainRange, EndStatement } from '../../../domain/audit/export-line.ts';
import { statementDigest, type Signed } from '../../../domain/audit/statement.ts';
import { formatQuantity } from '../../../domain/text/format-count.ts';
import { codeOf, writingProblem } from '../../../domain/text/system-error.ts';
import { askServer, serverOf, type ServerOptions } from '../../administration.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import {
  addJournalOptions,
  journalToList,
  momentOf,
  sinceOption,
  type JournalChoice,
  type Since,
} from '../../options/journal-options.ts';
import { Progress } from '../../progress.ts';

interface ExportOptions extends JournalChoice, ServerOptions {
  readonly since?: Since;
  readonly until?: Since;
  readonly sign?: true;
  readonly to?: string;
  readonly progress?: true;
}

interface Times {
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

const DETAILS = `
Examples:
  $ capstan journal export --config capstan.yaml --since 1d --to day.jsonl
  $ capstan journal export --config capstan.yaml --sign --to journal.jsonl

--sign asks the running server to sign the end, which states range, count and digest of the lines: it has to be
configured with a key of heads (\`audit\`). \`capstan journal verify\` proves the export; docs/audit.md has the fields.`;

/** Records between two looks at the progress. */
const STRIDE = 2_000;

export function registerJournalExport(journal: Command, invocation: Invocation): void {
  addJournalOptions(journal.command('export'))
    .description('write the journal as JSON Lines, with what proves it')
    .option('--since <time>', 'from here on: a duration such as 1d, or an ISO 8601 time', sinceOption)
    .option('--until <time>', 'up to here', sinceOption)
    .option('--sign', 'have the running server sign the end')
    .option('--to <file>', 'the file that is made; absent, standard output')
    .addHelpText('after', DETAILS)
    .action((options: ExportOptions) => exportJournal(options, invocation));
}

async function exportJournal(options: ExportOptions, invocation: Invocation): Promise<void> {
  const { terminal, clock, signal } = invocation;
  const journal = journalToList(options, invocation);
  if (journal === undefined) return;
  const [{ openJournal }, { exportedLines, exportedRanges }, { endLine, ExportWriter }] = await Promise.all([
    import('../../inputs/journal/open-journal.ts'),
    import('../../../authority/audit/exported-journal.ts'),
    import('../../../domain/audit/export-writer.ts'),
  ]);
  const nowMs = clock.nowMs();
  const times = timesOf(options, nowMs);
  await using reader = await openJournal(journal, { signal });
  await using chains = await reader.chainsNow({ signal });
  const exported = await exportedRanges({ chains }, times, { signal });
  const ranges = exported.map(({ range }) => range);
  const writer = new ExportWriter();
  await using to = await outputTo(options.to, invocation);
  using progress = exportProgress(ranges, options, invocation);
  const parts = { chains, writer, heads: reader };
  for await (const line of exportedLines(parts, exported, { nowMs, ...times }, { signal })) {
    await to.write(line);
    progress.reach(writer.records);
  }
  const statement = writer.end({ timeMs: nowMs, ...times, chains: ranges });
  const signed = options.sign === true ? await signedEnd(statement, nowMs, options, invocation) : undefined;
  if (signed === null) return;
  const { statement: said = statement, ...signature } = signed ?? {};
  await to.write(endLine(said, 'signature' in signature ? signature : undefined));
  await to.end();
  if (options.to === undefined) return;
  const what = formatQuantity(writer.records, 'record');
  const proof = signed === undefined ? 'its end is not signed' : `the digest of its end is ${statementDigest(said)}`;
  terminal.print(`${options.to}: ${what}; ${proof}`);
}

function timesOf({ since, until }: ExportOptions, nowMs: number): Times {
  return {
    ...(since !== undefined && { sinceMs: momentOf(since, nowMs) }),
    ...(until !== undefined && { untilMs: momentOf(until, nowMs) }),
  };
}

/** @returns null when the configuration is invalid, after saying so. @throws CommandError as `askServer`; 65 when the server says otherwise. */
async function signedEnd(
  statement: EndStatement,
  timeMs: number,
  options: ExportOptions,
  invocation: Invocation,
): Promise<Signed<EndStatement> | null> {
  const server = await serverOf(options, invocation);
  if (server === undefined) return null;
  const { chains, unchained, content, sinceMs, untilMs } = statement;
  const body: AskedEnd = {
    timeMs,
    unchained,
    content,
    chains: chains.map(({ chain, after, through }) => [chain, after.sequence, through.sequence]),
    ...(sinceMs !== undefined && { sinceMs }),
    ...(untilMs !== undefined && { untilMs }),
  };
  const answer = await askServer(server, { method: 'POST', path: EXPORT_ENDS, body }, invocation.signal);
  const signed = answer as Signed<EndStatement>;
  const other = chains.find((range) => !signed.statement.chains.some((one) => isSame(range, one)));
  if (other === undefined) return signed;
  throw new CommandError(EXIT.data, `the server has another chain ${other.chain} than the journal that was exported`);
}

function isSame(a: ChainRange, b: ChainRange): boolean {
  return a.chain === b.chain && a.after.digest === b.after.digest && a.through.digest === b.through.digest;
}

interface Output extends AsyncDisposable {
  readonly write: (text: string) => Promise<void>;
  /** All is written. Of a file that is disposed of before nothing is left. */
  readonly end: () => Promise<void>;
}

/** @throws CommandError 73 for a file that is there, or cannot be written. */
async function outputTo(file: string | undefined, { terminal, signal }: Invocation): Promise<Output> {
  if (file === undefined) {
    return {
      write: async (text) => terminal.printData(text),
      end: async () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  const failed = (cause: unknown): never => {
    signal.throwIfAborted();
    const why = codeOf(cause) === 'EEXIST' ? 'is there already, and nothing is written over' : writingProblem(cause);
    throw new CommandError(EXIT.cannotCreate, `cannot write ${file}: it ${why}`, { cause });
  };
  const stream = createWriteStream(file, { flags: 'wx', mode: 0o600, signal });
  await once(stream, 'open', { signal }).catch(failed);
  let problem: unknown;
  let isWhole = false;
  stream.on('error', (cause) => (problem = cause));
  return {
    write: async (text) => {
      if (problem !== undefined) failed(problem);
      if (!stream.write(text)) await once(stream, 'drain', { signal }).catch(failed);
    },
    end: async () => {
      stream.end();
      await once(stream, 'close').catch(failed);
      if (problem !== undefined) failed(problem);
      isWhole = true;
    },
    [Symbol.asyncDispose]: async () => {
      stream.destroy();
      if (!isWhole) await rm(file, { force: true });
    },
  };
}

/** Records of no chain are not counted before. */
function exportProgress(
  ranges: readonly ChainRange[],
  { progress, to }: ExportOptions,
  { terminal, clock }: Invocation,
): { readonly reach: (done: number) => void } & Disposable {
  const total = ranges.reduce((sum, { after, through }) => sum + through.sequence - after.sequence, 0);
  const bar = new Progress({ terminal, clock }, { what: 'records', total, lines: progress === true });
  return {
    reach: (done) => {
      if (to !== undefined && done % STRIDE === 0) bar.reach(done);
    },
    [Symbol.dispose]: () => bar.end(),
  };
}
