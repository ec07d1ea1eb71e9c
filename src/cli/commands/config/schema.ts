// `capstan config schema`: the JSON Schema of a configuration file.
import type { Command } from 'commander';
import { configJsonSchema } from '../../../config/json-schema.ts';
import type { Invocation } from '../../invocation.ts';

export function registerConfigSchema(config: Command, { terminal }: Invocation): void {
  config
    .command('schema')
    .description('print the JSON Schema of a configuration file, for editors')
    .addHelpText('after', '\nExample:\n  $ capstan config schema > capstan-config.schema.json')
    .action(() =>
      terminal.printJson({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...configJsonSchema() }),
    );
}
