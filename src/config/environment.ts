// The only reader of the process environment.
import process from 'node:process';

/** @returns a copy: what the process does to its environment later changes nothing here. */
export function processEnvironment(): Readonly<Record<string, string | undefined>> {
  return { ...process.env };
}
