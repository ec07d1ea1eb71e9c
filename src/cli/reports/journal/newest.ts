// What a journal lists, newest first, for people and programs.
import type { OutputFormat } from '../../invocation.ts';
import type { Terminal } from '../../terminal.ts';

export interface NewestForm<T> {
  /** `decisions`. */
  readonly what: string;
  readonly head: readonly string[];
  readonly row: (record: T) => readonly string[];
  readonly json: (record: T) => unknown;
}

export interface NewestOptions {
  readonly output: OutputFormat;
  readonly limit: number;
}

/** @param records no more than the limit. */
export function printNewest<T>(
  records: readonly T[],
  { what, head, row, json }: NewestForm<T>,
  { output, limit }: NewestOptions,
  terminal: Terminal,
): void {
  if (output === 'json') {
    terminal.printJson(records.map(json));
    return;
  }
  if (records.length === 0) {
    terminal.print(`No ${what}.`);
    return;
  }
  terminal.printTable([head, ...records.map(row)]);
  if (records.length === limit) terminal.print(`The newest ${limit}; --limit shows more.`);
}
