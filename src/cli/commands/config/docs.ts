// `capstan config docs`: the reference page of all keys.
import type { Command } from 'commander';
import { describeConfig } from '../../../config/describe.ts';
import type { Invocation } from '../../invocation.ts';

export function registerConfigDocs(config: Command, { terminal }: Invocation): void {
  config
    .command('docs')
    .description('print the reference page of all keys, in Markdown')
    .addHelpText('after', '\nExample:\n  $ capstan config docs > docs/configuration.md')
    .action(() => terminal.print(describeConfig()));
}
