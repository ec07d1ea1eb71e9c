// `capstan policy diff`
import type { Command } from 'commander';
import type { Invocation } from '../../invocation.ts';

export function registerPolicyDiff(policy: Command, invocation: Invocation): void {
  void policy;
  void invocation;
}
