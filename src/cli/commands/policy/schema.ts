// `capstan policy schema`: what policy documents look like, for editors and for people.
import type { Command } from 'commander';
import { describePolicySchema } from '../../../adapters/policy/describe-schema.ts';
import { policyJsonSchema } from '../../../adapters/policy/json-schema.ts';
import type { Invocation } from '../../invocation.ts';

export function registerPolicySchema(policy: Command, { terminal }: Invocation): void {
  policy
    .command('schema')
    .description('print the JSON Schema of policy documents, for editors')
    .option('--markdown', 'print the reference page of all fields instead')
    .addHelpText('after', '\nExample:\n  $ capstan policy schema > capstan-policy.schema.json')
    .action(({ markdown = false }: { readonly markdown?: boolean }) => {
      if (markdown) terminal.print(describePolicySchema());
      else terminal.printJson(policyJsonSchema());
    });
}
