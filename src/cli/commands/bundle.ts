// `capstan bundle …`
import type { Command } from 'commander';
import type { Invocation } from '../invocation.ts';

export function registerBundle(program: Command, invocation: Invocation): void {
  void program;
  void invocation;
}
