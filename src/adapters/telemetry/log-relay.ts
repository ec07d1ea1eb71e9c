// The log of a worker, written into the one log of its server. A worker writes lines into a pipe as it would into a
// file, within the same bounds; here they are taken out whole, so that no two processes' lines mix.
import type { Readable } from 'node:stream';

/** What lines are written to. */
export interface LineSink {
  /** @param line ends with its line feed. */
  write(line: string): void;
  /** Resolves when the sink holds so little that more may come. */
  roomy(): Promise<void>;
  /** A line is lost. */
  dropped(): void;
}

/** Longer than any line that Capstan writes. */
const MAX_LINE_LENGTH = 1024 * 1024;

/**
 * Resolves when the other end has closed the pipe, after its last whole line is written. A reader of the log that is too
 * slow is felt by the worker, which drops by its own bounds what can be spared.
 */
export async function relayLines(from: Readable, sink: LineSink): Promise<void> {
  let rest = '';
  let skipping = false;
  from.setEncoding('utf8');
  try {
    for await (const chunk of from as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (!skipping && line.length <= MAX_LINE_LENGTH) sink.write(`${line}\n`);
        else sink.dropped();
        skipping = false;
      }
      if (rest.length > MAX_LINE_LENGTH) {
        rest = '';
        skipping = true;
      }
      await sink.roomy();
    }
  } catch {
    // A pipe that breaks has ended: what it brought is written.
  }
  // A worker that was killed may have been in the middle of a line, which nobody could read.
  if (rest !== '' || skipping) sink.dropped();
}
