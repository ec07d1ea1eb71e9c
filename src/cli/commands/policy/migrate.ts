// `capstan policy migrate`
import type { Command } from 'commander';
import type { Invocation } from '../../invocation.ts';

export function registerPolicyMigrate(policy: Command, invocation: Invocation): void {
  void policy;
  void invocation;
}
