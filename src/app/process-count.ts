// How many processes answer callers.
import { availableParallelism } from 'node:os';
import type { Config } from '../config/schema.ts';

export function processCountOf({ processes }: Pick<Config, 'processes'>): number {
  return processes === 'auto' ? availableParallelism() : processes;
}
