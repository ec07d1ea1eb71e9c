// `capstan policy check`
import type { Command } from 'commander';
import type { Invocation } from '../../invocation.ts';

export function registerPolicyCheck(policy: Command, invocation: Invocation): void {
  void policy;
  void invocation;
}
