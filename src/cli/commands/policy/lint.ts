// `capstan policy lint`
import type { Command } from 'commander';
import type { Invocation } from '../../invocation.ts';

export function registerPolicyLint(policy: Command, invocation: Invocation): void {
  void policy;
  void invocation;
}
