// `capstan policy explain`
import type { Command } from 'commander';
import type { Invocation } from '../../invocation.ts';

export function registerPolicyExplain(policy: Command, invocation: Invocation): void {
  void policy;
  void invocation;
}
