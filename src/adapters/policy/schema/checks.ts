// Checks that look at several fields at once. They look at what is there also when another field is wrong, so
// that an author is told everything in one go; what is wrong itself they pass over.
import type { z } from 'zod';

type Complain = (path: readonly PropertyKey[], problem: string) => void;

interface Refinement {
  readonly check: (written: unknown, context: z.core.$RefinementCtx) => void;
  readonly when: { readonly when: () => boolean };
}

/** For `superRefine`: spread both. */
export function look(
  check: (fields: Readonly<Record<string, unknown>>, complain: Complain) => void,
): [Refinement['check'], Refinement['when']] {
  const inspect: Refinement['check'] = (written, context) => {
    const complain: Complain = (path, message) => context.addIssue({ code: 'custom', path: [...path], message });
    if (isFields(written)) check(written, complain);
  };
  return [inspect, { when: () => true }];
}

/** That no two entries of a list have the same text in a field. */
export function unique(field: string): ReturnType<typeof look> {
  return look((list, complain) => {
    const known = new Set<unknown>();
    for (const [index, entry] of Object.entries(list)) {
      const name = isFields(entry) ? entry[field] : undefined;
      if (typeof name !== 'string') continue;
      if (known.has(name)) complain([Number(index), field], `names ${name} a second time`);
      known.add(name);
    }
  });
}

export function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
