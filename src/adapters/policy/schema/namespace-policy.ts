// The policy file that was there before bundles, `kind: NamespacePolicy`: read to be migrated, and for nothing else.
import { z } from 'zod';
import { parseDuration } from '../../../domain/text/duration.ts';
import type { Position, Problem } from '../../../domain/text/position.ts';
import { fieldProblems } from './problems.ts';
import { wordsOf } from './words.ts';
import { placedProblems, readPolicyFile } from '../policy-file.ts';

const MAX_RULES = 1_000;
/** Of one file: rules are compared with one another. */
const MAX_NAMES = 5_000;
export const KEY_TYPES = ['ec-p256', 'ec-p384', 'rsa'] as const;

const pattern = z.string().regex(/^(?=.)[a-z0-9.-]{0,253}\*?$/, 'must be a name, or a prefix followed by one *');
const names = z.array(pattern).min(1).max(MAX_NAMES);
/** Stays text, to be written into the bundle as it was. */
const lifetime = z.string().superRefine((text, context) => {
  const ms = parseDuration(text);
  if (typeof ms !== 'number') context.addIssue(ms.problem);
  else if (ms === 0) context.addIssue('must be longer than zero');
});

const rule = z.strictObject({
  namespaces: names,
  serviceAccounts: names.default(['*']),
  keyTypes: z
    .array(z.enum(KEY_TYPES))
    .min(1)
    .default([...KEY_TYPES]),
  maxTtl: lifetime.optional(),
});

const namespacePolicy = z.strictObject({
  apiVersion: z.literal('capstan.dev/v1alpha1'),
  kind: z.literal('NamespacePolicy'),
  rules: z
    .array(rule)
    .max(MAX_RULES)
    .refine((rules) => nameCount(rules) <= MAX_NAMES, `must have at most ${MAX_NAMES} names together`),
});

/** A request was allowed when any rule allowed its namespace, service account and type of key. */
export interface NamespaceRule extends z.output<typeof rule> {
  readonly position: Position;
}

export function parseNamespacePolicy(
  text: string,
  place: string,
): { readonly rules: readonly NamespaceRule[]; readonly problems: readonly Problem[] } {
  const { documents, problems } = readPolicyFile(text, place);
  const [document, another] = documents;
  if (document === undefined || problems.length > 0) return { rules: [], problems };
  if (another !== undefined) {
    return { rules: [], problems: [{ position: another.locate([]), path: '', problem: 'is a second document' }] };
  }
  const parsed = namespacePolicy.safeParse(document.data, { error: wordsOf });
  if (!parsed.success) return { rules: [], problems: placedProblems(document, fieldProblems(parsed.error.issues)) };
  const rules = parsed.data.rules.map((each, index) => ({ ...each, position: document.locate(['rules', index]) }));
  return { rules, problems: [] };
}

function nameCount(rules: readonly z.output<typeof rule>[]): number {
  return rules.reduce(
    (count, { namespaces, serviceAccounts }) => count + namespaces.length + serviceAccounts.length,
    0,
  );
}
