// `capstan config …`: the configuration before anything is started with it.
import type { Command } from 'commander';
import type { Invocation } from '../invocation.ts';
import { registerConfigCheck } from './config/check.ts';
import { registerConfigDocs } from './config/docs.ts';
import { registerConfigMigrate } from './config/migrate.ts';
import { registerConfigSchema } from './config/schema.ts';
import { registerConfigShow } from './config/show.ts';

/** In the order in which `--help` lists them. */
const COMMANDS = [
  registerConfigCheck,
  registerConfigShow,
  registerConfigMigrate,
  registerConfigDocs,
  registerConfigSchema,
];

export function registerConfig(program: Command, invocation: Invocation): void {
  const config = program.command('config').description('check, show and migrate the configuration');
  for (const register of COMMANDS) register(config, invocation);
}
