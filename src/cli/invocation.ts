// What every command is given, by a person's terminal or by a test.
import { Option } from 'commander';
import type { Clock } from '../ports/platform/clock.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

export interface Invocation {
  readonly terminal: Terminal;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Has an event `reread` whenever a server is to read everything that it follows again. */
  readonly rereads: EventTarget;
  /** Sets the exit code of the process for when the command is done; it is 0 otherwise. */
  readonly endWith: (code: ExitCode) => void;
}

export type OutputFormat = 'text' | 'json';

/** `--output`, for every command that prints data. */
export function outputOption(): Option {
  return new Option('--output <format>', 'how to print it').choices(['text', 'json']).default('text');
}

/** How the person started us, so that a hint can be pasted. */
export function programName(environment: Invocation['environment']): string {
  return environment['npm_lifecycle_event'] === undefined ? 'capstan' : 'npm run -s capstan --';
}
