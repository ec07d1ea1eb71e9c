// `capstan journal verify`: whether an exported journal is what the server recorded, without the server.
import { InvalidArgumentError, type Command } from 'commander';
import { readAuditKey, type AuditKey } from '../../../domain/audit/statement.ts';
import type { WitnessedHeads } from '../../../domain/audit/witnessed-heads.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import { readInput } from '../../inputs/files.ts';
import { outputOption, type Invocation, type OutputFormat } from '../../invocation.ts';
import { Progress } from '../../progress.ts';

interface VerifyOptions {
  readonly key: readonly string[];
  readonly witness?: string;
  readonly expectHead?: string;
  readonly progress?: true;
  readonly output: OutputFormat;
}

/** Three months of heads of a server that never rests; a string of V8 holds little more. */
const MAX_WITNESS_BYTES = 500 * 1024 * 1024;
const SMALLER_WITNESS = 'its newest lines are enough, as each head stands for all before it';

const DETAILS = `
Examples:
  $ capstan journal verify journal.jsonl --key heads.pem
  $ zcat journal.jsonl.gz | capstan journal verify - --key heads.pem --witness witness.jsonl

Ends with exit code 0 when all of it is proven, with 1 when nothing speaks against it and something is not proven (of an
end that nobody signed and nobody else has seen: "nothing proves the end"), and with 65 when it is not what was recorded.
docs/audit.md says what each proves.`;

export function registerJournalVerify(journal: Command, invocation: Invocation): void {
  journal
    .command('verify')
    .description('verify an exported journal, offline')
    .argument('<file>', 'the export, or - for standard input')
    .option('--key <file...>', 'PEM files with public keys of heads: that of now, and former ones', [])
    .option('--witness <file>', 'the heads that a witness kept')
    .option(
      '--expect-head <digest>',
      'the digest of a head, or of the end of an export, that somebody noted',
      digestOption,
    )
    .option('--progress', 'show progress also where there is no terminal')
    .addOption(outputOption())
    .addHelpText('after', DETAILS)
    .action((file: string, options: VerifyOptions) => verify(file, options, invocation));
}

function digestOption(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError('Write a SHA-256 in 64 lower-case hex digits.');
}

async function verify(file: string, options: VerifyOptions, invocation: Invocation): Promise<void> {
  const { terminal, signal, endWith } = invocation;
  const [{ ExportVerifier }, { exportLines }, { printVerdict, EXIT_OF_RESULT }] = await Promise.all([
    import('../../../domain/audit/verifier.ts'),
    import('../../inputs/journal/export-lines.ts'),
    import('../../reports/journal/verdict.ts'),
  ]);
  const keys = await Promise.all(options.key.map(readKey));
  const expected = options.expectHead === undefined ? [] : [options.expectHead];
  const verifier = new ExportVerifier({ keys, expected }, await witnessedHeads(options.witness));
  using progress = await verifyingProgress(file, options, invocation);
  for await (const { lines, bytes } of exportLines(file, { signal })) {
    for (const line of lines) verifier.take(line);
    progress.reach(bytes);
  }
  const verdict = verifier.verdict();
  printVerdict(verdict, { file, output: options.output }, terminal);
  endWith(EXIT_OF_RESULT[verdict.result]);
}

async function readKey(file: string): Promise<AuditKey> {
  const key = readAuditKey(await readInput(file));
  if ('problem' in key) throw new CommandError(EXIT.data, `${file}: ${key.problem}`);
  return key;
}

async function witnessedHeads(file: string | undefined): Promise<WitnessedHeads | undefined> {
  if (file === undefined) return undefined;
  const { readWitnessedHeads } = await import('../../../domain/audit/witnessed-heads.ts');
  return readWitnessedHeads(await readInput(file, { maxBytes: MAX_WITNESS_BYTES, hint: SMALLER_WITNESS }));
}

/** By bytes: how many records there are is known in the end. */
async function verifyingProgress(
  file: string,
  { progress }: VerifyOptions,
  { terminal, clock }: Invocation,
): Promise<{ readonly reach: (bytes: number) => void } & Disposable> {
  const { exportBytes } = await import('../../inputs/journal/export-lines.ts');
  const total = await exportBytes(file);
  const bar =
    total === undefined
      ? undefined
      : new Progress({ terminal, clock }, { what: 'bytes', total, lines: progress === true });
  return { reach: (bytes) => bar?.reach(bytes), [Symbol.dispose]: () => bar?.end() };
}
