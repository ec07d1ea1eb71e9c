// `capstan policy suggest`
import type { Command } from 'commander';
import type { Invocation } from '../../invocation.ts';

export function registerPolicySuggest(policy: Command, invocation: Invocation): void {
  void policy;
  void invocation;
}
