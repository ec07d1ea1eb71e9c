// Since when a journal has all that was recorded. How long records are kept may be longer today than it was, and what a shorter
// retention took does not come back: so each head states both, for whoever makes the next one.
import type { ChainKind } from './chain.ts';
import { count, stated } from './shape.ts';

/** As a head states it, signed: who writes to the store alone cannot say that retention took what is gone. */
export interface StatedRetention {
  /** How long its maker keeps records. */
  readonly periodMs: number;
  /** Retention took nothing that is of later, in ms since the epoch. */
  readonly keptSinceMs: number;
}

export const statedRetention = stated({ periodMs: count, keptSinceMs: count });

/**
 * @param before what the last head states: its period was in force until now at the latest.
 * @param periodMs how long records are kept now.
 * @returns the time from which on everything is there, in ms since the epoch.
 */
export function keptSince(before: Partial<StatedRetention>, periodMs: number, nowMs: number): number {
  const shortestMs = Math.min(periodMs, before.periodMs ?? periodMs);
  return Math.max(0, before.keptSinceMs ?? 0, nowMs - shortestMs);
}

/** Retention takes no acts of operators. */
export function isKeptForGood(kind: ChainKind): boolean {
  return kind === 'operation';
}
