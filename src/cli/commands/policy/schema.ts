// `capstan policy schema`
import type { Command } from 'commander';
import type { Invocation } from '../../invocation.ts';

export function registerPolicySchema(policy: Command, invocation: Invocation): void {
  void policy;
  void invocation;
}
