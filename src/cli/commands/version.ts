// `capstan version`.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import type { Command } from 'commander';
import { outputOption, type Invocation, type OutputFormat } from '../invocation.ts';

export function registerVersion(program: Command, { terminal }: Invocation): void {
  program
    .command('version')
    .description('print the versions of Capstan and of what it runs on')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ capstan version --output json')
    .action(({ output }: { output: OutputFormat }) => {
      const versions = { capstan: ownVersion(), node: process.versions.node, openssl: process.versions.openssl };
      if (output === 'json') terminal.printJson(versions);
      else terminal.print(`capstan ${versions.capstan} (node ${versions.node}, openssl ${versions.openssl})`);
    });
}

/** The package file is found three folders up, in the source tree and in the built package. */
function ownVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
