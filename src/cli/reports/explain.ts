// An explained decision, in sentences, as a tree, or as data.
import { decisionData } from '../../review/explain/decision-data.ts';
import type { ExplainedDecision } from '../../review/explain/explain.ts';
import { formatTrace } from '../../review/explain/format-trace.ts';
import { traceAsTree } from '../../review/explain/trace-tree.ts';
import type { TracedDecision } from '../../review/explain/traced-decision.ts';
import type { Terminal } from '../terminal.ts';

/** Text is words and tree. */
export type ExplainFormat = 'text' | 'words' | 'tree' | 'json';

export function printDecision(
  { decision, traced }: ExplainedDecision,
  format: ExplainFormat,
  terminal: Terminal,
): void {
  if (format === 'json') terminal.printJson(decisionData(decision));
  else printTraced(traced, format, terminal);
}

export function printTraced(traced: TracedDecision, format: Exclude<ExplainFormat, 'json'>, terminal: Terminal): void {
  if (format !== 'tree') for (const line of formatTrace(traced)) terminal.print(line);
  if (format === 'text') terminal.print('');
  if (format !== 'words') for (const line of traceAsTree(traced)) terminal.print(line);
}
