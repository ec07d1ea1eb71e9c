// What `capstan journal verify` found, for people and programs; and how the process ends.
import type { Result, Verdict } from '../../../domain/audit/verdict.ts';
import { formatCount, formatQuantity } from '../../../domain/text/format-count.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { EXIT, type ExitCode } from '../../exit-codes.ts';
import type { OutputFormat } from '../../invocation.ts';
import type { Style, Terminal } from '../../terminal.ts';

export const EXIT_OF_RESULT: Readonly<Record<Result, ExitCode>> = {
  proven: EXIT.ok,
  not_proven: EXIT.findings,
  tampered: EXIT.data,
};

const HEAD = ['CHAIN', 'RECORDS OF', 'SERVER', 'AFTER', 'THROUGH', 'PROVEN THROUGH'];
const STYLES: Readonly<Record<Result, Style>> = { proven: 'green', not_proven: 'yellow', tampered: 'red' };

export function printVerdict(
  verdict: Verdict,
  { file, output }: { readonly file: string; readonly output: OutputFormat },
  terminal: Terminal,
): void {
  if (output === 'json') terminal.printJson({ file, ...verdict });
  else printText(verdict, file, terminal);
}

function printText(verdict: Verdict, file: string, terminal: Terminal): void {
  const { result, chains, tamperings, furtherTamperings, gaps } = verdict;
  if (chains.length > 0) {
    const rows = chains.map(({ chain, kind, server, after, through, provenThrough }) => {
      const counts = [after.sequence, through.sequence, provenThrough].map(formatCount);
      return [chain, `${kind}s`, server, ...counts];
    });
    terminal.printTable([HEAD, ...rows]);
    terminal.print('');
  }
  for (const { file: place, line, code, text } of tamperings) {
    terminal.print(`${place === 'export' ? file : 'the witness'}:${line}: ${text} (${code})`);
  }
  if (furtherTamperings > 0) terminal.print(`and ${formatQuantity(furtherTamperings, 'further finding')}`);
  for (const { code, text } of gaps) terminal.print(`not proven: ${text} (${code})`);
  terminal.print(terminal.styled(STYLES[result], sentenceOf(verdict)));
}

function sentenceOf({ result, tamperings, furtherTamperings, chains, unchained, end }: Verdict): string {
  const records = chains.reduce((sum, { links }) => sum + links, unchained);
  const what = formatQuantity(records, 'record');
  if (result === 'tampered') {
    return `Not what was recorded: ${formatQuantity(tamperings.length + furtherTamperings, 'finding')} in ${what}.`;
  }
  if (result === 'not_proven') return `Nothing speaks against ${what}, but not all of it is proven.`;
  const by =
    end === undefined
      ? 'as heads from elsewhere say'
      : `as ${end.server ?? 'the noted end'} said at ${formatTime(end.timeMs)}`;
  return `Proven: ${what}, none added, removed or changed, ${by}.`;
}
