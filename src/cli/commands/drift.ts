// `capstan drift`
import type { Command } from 'commander';
import type { Invocation } from '../invocation.ts';

export function registerDrift(program: Command, invocation: Invocation): void {
  void program;
  void invocation;
}
