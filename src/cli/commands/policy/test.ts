// `capstan policy test`
import type { Command } from 'commander';
import type { Invocation } from '../../invocation.ts';

export function registerPolicyTest(policy: Command, invocation: Invocation): void {
  void policy;
  void invocation;
}
