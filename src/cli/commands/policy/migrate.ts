// `capstan policy migrate`: a bundle out of the policy file that was there before bundles.
import type { Command } from 'commander';
import type { Overlap } from '../../../adapters/policy/migrate-namespace-policy.ts';
import { formatPosition } from '../../../domain/text/position.ts';
import { EXIT } from '../../exit-codes.ts';
import { readInput } from '../../inputs/files.ts';
import { orUnreadable } from '../../inputs/read-texts.ts';
import type { Invocation } from '../../invocation.ts';
import { countOption } from '../../options/option-values.ts';
import { UnusableInput } from '../../problems.ts';

interface MigrateOptions {
  readonly name: string;
  readonly sequence: number;
  readonly contact: string;
  readonly trustDomain: string;
}

const NOTES = `
Example:
  $ capstan policy migrate policy.yaml --contact '#pki' > bundle.yaml

The rules of the old file were alternatives; those of a bundle are all held to. Ends with exit code 1 when two
rules allow the same workload different things: mend the bundle there, then ask 'capstan policy check'.`;

export function registerPolicyMigrate(policy: Command, invocation: Invocation): void {
  policy
    .command('migrate')
    .description('turn a NamespacePolicy file into a bundle that decides alike')
    .argument('<file>', 'the old policy file')
    .option('--name <name>', 'name of the bundle', 'mesh')
    .option('--sequence <number>', 'sequence of the bundle', countOption, 1)
    .option('--contact <text>', 'whom a refused workload is told to ask', 'security')
    .option('--trust-domain <name>', "the mesh's trust domain", 'cluster.local')
    .addHelpText('after', NOTES)
    .action((file: string, options: MigrateOptions) => migrate(file, options, invocation));
}

async function migrate(file: string, options: MigrateOptions, { terminal, endWith }: Invocation): Promise<void> {
  const { migrateNamespacePolicy } = await import('../../../adapters/policy/migrate-namespace-policy.ts');
  const { parsePolicyDocuments } = await import('../../../adapters/policy/source/parse-documents.ts');
  const text = await orUnreadable(file, async () => readInput(file));
  const { bundle, overlaps, problems } = migrateNamespacePolicy(text, file, options);
  if (bundle === undefined) {
    throw new UnusableInput(file, problems);
  }
  const made = parsePolicyDocuments(bundle, 'the bundle');
  if (made.problems.length > 0) {
    throw new UnusableInput('the bundle that these options make', made.problems);
  }
  terminal.print(bundle);
  for (const overlap of overlaps) terminal.complain(format(overlap));
  if (overlaps.length > 0) endWith(EXIT.findings);
}

function format({ rules: [one, other], namespaces, serviceAccounts }: Overlap): string {
  const [ours, theirs] = [0, 1].map((side) => `${namespaces[side] ?? ''}/${serviceAccounts[side] ?? ''}`);
  return (
    `${one.id} (${formatPosition(one.position)}, ${ours ?? ''}) and ${other.id} (${formatPosition(other.position)}, ` +
    `${theirs ?? ''}) overlap: the old file gave what either allows, the bundle gives what both allow`
  );
}
