// `capstan policy …`: the tools for those who write policies. All of them run the server's own evaluator.
import type { Command } from 'commander';
import type { Invocation } from '../invocation.ts';
import { registerPolicyCheck } from './policy/check.ts';
import { registerPolicyDiff } from './policy/diff.ts';
import { registerPolicyExplain } from './policy/explain.ts';
import { registerPolicyLint } from './policy/lint.ts';
import { registerPolicyMigrate } from './policy/migrate.ts';
import { registerPolicyReplay } from './policy/replay.ts';
import { registerPolicySchema } from './policy/schema.ts';
import { registerPolicySuggest } from './policy/suggest.ts';
import { registerPolicyTest } from './policy/test.ts';

/** In the order in which `--help` lists them. */
const COMMANDS: readonly ((policy: Command, invocation: Invocation) => void)[] = [
  registerPolicyLint,
  registerPolicyCheck,
  registerPolicyTest,
  registerPolicyDiff,
  registerPolicyExplain,
  registerPolicyReplay,
  registerPolicySuggest,
  registerPolicyMigrate,
  registerPolicySchema,
];

export function registerPolicy(program: Command, invocation: Invocation): void {
  const policy = program.command('policy').description('write, check and explain policies');
  for (const register of COMMANDS) register(policy, invocation);
}
