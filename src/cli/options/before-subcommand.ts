// A command that does something by itself and has subcommands: each has options of its own, so what stands before the name of a
// subcommand would be lost.
import type { Command } from 'commander';
import { CommandError, EXIT } from '../exit-codes.ts';

/** For the hook `preSubcommand`. @throws CommandError for an option before the name of a subcommand. */
export function refuseOptionsBefore(command: Command, subcommand: Command): void {
  const given = command.options.find((one) => command.getOptionValueSource(one.attributeName()) === 'cli');
  if (given === undefined) return;
  const name = subcommand.name();
  throw new CommandError(
    EXIT.usage,
    `${given.long ?? given.flags} is not for '${command.name()} ${name}' where it stands: options go behind '${name}'`,
  );
}
