// `capstan policy schema`: what policy documents look like, for editors and for people.
import type { Command } from 'commander';
import type { Invocation } from '../../invocation.ts';

interface SchemaOptions {
  readonly markdown: boolean;
  readonly crds: boolean;
}

export function registerPolicySchema(policy: Command, invocation: Invocation): void {
  policy
    .command('schema')
    .description('print the JSON Schema of policy documents, for editors')
    .option('--markdown', 'print the reference page of all fields instead', false)
    .option('--crds', 'print the CustomResourceDefinitions of local policies instead, for `kubectl apply -f -`', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ capstan policy schema > capstan-policy.schema.json\n  $ capstan policy schema --crds | kubectl apply --server-side -f -',
    )
    .action((options: SchemaOptions) => print(options, invocation));
}

async function print({ markdown, crds }: SchemaOptions, { terminal }: Invocation): Promise<void> {
  const { describePolicySchema } = await import('../../../adapters/policy/schema/describe-schema.ts');
  const { policyJsonSchema } = await import('../../../adapters/policy/schema/json-schema.ts');
  const { policyCrdText } = await import('../../../adapters/policy/crd/policy-crds.ts');
  if (crds) terminal.print(policyCrdText());
  else if (markdown) terminal.print(describePolicySchema());
  else terminal.printJson(policyJsonSchema());
}
