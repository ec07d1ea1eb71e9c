// `capstan policy replay`
import type { Command } from 'commander';
import type { Invocation } from '../../invocation.ts';

export function registerPolicyReplay(policy: Command, invocation: Invocation): void {
  void policy;
  void invocation;
}
