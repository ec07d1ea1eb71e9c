// What every command is given, whoever runs it: a person's terminal, or a test.
import { Option } from 'commander';
import type { Clock } from '../ports/platform/clock.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

export interface Invocation {
  readonly terminal: Terminal;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Has an event `reread` whenever a server shall look at everything that it follows again. */
  readonly rereads: EventTarget;
  /** Says how the process shall end when the command is done; without it, well. */
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
