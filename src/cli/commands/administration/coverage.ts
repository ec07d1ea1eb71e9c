// `capstan inventory coverage`: which pods of the mesh have no live identity, as a running server knows it.
import { Option, type Command } from 'commander';
import { COVERAGE } from '../../../adapters/http/admin/administer-inventory.ts';
import { MAX_COVERAGE_ROWS } from '../../../authority/inventory/coverage-overview.ts';
import { COVERAGE_STATES, type CoverageState } from '../../../domain/inventory/coverage.ts';
import { askServer, serverOf, serverOptions, type ServerOptions } from '../../administration.ts';
import type { Invocation } from '../../invocation.ts';
import { countOption } from '../../options/option-values.ts';
import { printCoverage, type CoverageFormat, type ExplainedCoverage } from '../../reports/server/coverage.ts';

interface CoverageOptions extends ServerOptions {
  readonly namespace?: string;
  readonly cluster?: string;
  readonly state?: CoverageState;
  readonly gap?: true;
  readonly limit: number;
  readonly output: CoverageFormat;
}

const EXAMPLES = `
Examples:
  $ capstan inventory coverage
  $ capstan inventory coverage --gap --namespace shop
  $ capstan inventory coverage --cluster west --output csv`;

/** @param inventory the command above it. */
export function registerCoverage(inventory: Command, invocation: Invocation): void {
  serverOptions(inventory.command('coverage'))
    .description('ask a running server which pods of the mesh have no live identity, and why')
    .option('--namespace <name>', 'pods of this namespace')
    .option('--cluster <id>', 'pods of this cluster')
    .addOption(new Option('--state <state>', 'only pods in this state').choices(COVERAGE_STATES))
    .addOption(
      new Option('--gap', 'only pods that should have an identity and have none: without, not_joined').conflicts(
        'state',
      ),
    )
    .option('--limit <count>', `most pods that are named, up to ${MAX_COVERAGE_ROWS}`, countOption, MAX_COVERAGE_ROWS)
    .addOption(new Option('--output <format>', 'how to print it').choices(['table', 'json', 'csv']).default('table'))
    .addHelpText('after', EXAMPLES)
    .action(async (options: CoverageOptions) => show(options, invocation));
}

async function show(options: CoverageOptions, invocation: Invocation): Promise<void> {
  const server = await serverOf(options, invocation);
  if (server === undefined) return;
  const { namespace, cluster, state, gap, limit, output } = options;
  const asked = { namespace, cluster, state, gap: gap && 'true', limit: String(Math.min(limit, MAX_COVERAGE_ROWS)) };
  const given = Object.entries(asked).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const path = `${COVERAGE}?${new URLSearchParams(given).toString()}`;
  const answer = (await askServer(server, { method: 'GET', path }, invocation.signal)) as ExplainedCoverage;
  printCoverage(answer, output, invocation);
}
