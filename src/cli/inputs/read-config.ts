// The configuration that a command is pointed to, for what it says of a server's files and sockets.
import { loadConfig, type LoadedConfig } from '../../config/load.ts';
import { complainOfConfig } from '../complaints.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Invocation } from '../invocation.ts';

type Config = LoadedConfig['config'];

/** @returns nothing when it is invalid, after saying why; the command then ends with 78. */
export function readConfig(file: string, { environment, terminal, endWith }: Invocation): Config | undefined {
  const loaded = loadConfig({ file, environment });
  if (!('problems' in loaded)) return loaded.config;
  endWith(complainOfConfig(loaded.problems, terminal));
  return undefined;
}

/**
 * @param consequence of an invalid one, in a sentence.
 * @throws CommandError 2 with it, after saying why.
 */
export function readConfigForCheck(file: string, consequence: string, { environment, terminal }: Invocation): Config {
  const loaded = loadConfig({ file, environment });
  if (!('problems' in loaded)) return loaded.config;
  complainOfConfig(loaded.problems, terminal);
  throw new CommandError(EXIT.unreadable, consequence);
}
