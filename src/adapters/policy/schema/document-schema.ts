// Which schema a document is read with: its kind says so, and is therefore looked at first.
import type { PolicyDocument } from '../../../domain/policy/documents.ts';
import { nearest } from '../../../domain/text/nearest.ts';
import { policyBundle } from './bundle-schema.ts';
import { reachProblems } from '../source/local-reach.ts';
import { clusterIssuancePolicy, issuancePolicy } from './local-schema.ts';
import { isFields } from './checks.ts';
import { fieldProblems, type FieldProblem } from './problems.ts';
import { quoted, wordsOf } from './words.ts';

/** Every kind of document once. */
export const KINDS = {
  PolicyBundle: policyBundle,
  ClusterIssuancePolicy: clusterIssuancePolicy,
  IssuancePolicy: issuancePolicy,
} as const;

/** @param data what was written, as plain JSON data. @returns the document, or everything that is wrong with it. */
export function readDocument(data: unknown): PolicyDocument | { readonly problems: readonly FieldProblem[] } {
  if (!isFields(data) || Array.isArray(data)) return { problems: [{ path: [], problem: 'must be a mapping' }] };
  const kind = data['kind'];
  if (!isKind(kind)) return { problems: [{ path: ['kind'], problem: unknownKind(kind) }] };
  const parsed = KINDS[kind].safeParse(data, { error: wordsOf });
  const reach = kind === 'IssuancePolicy' ? reachProblems(data) : [];
  if (parsed.success && reach.length === 0) return parsed.data;
  return { problems: [...fieldProblems(parsed.error?.issues ?? []), ...reach] };
}

function isKind(kind: unknown): kind is keyof typeof KINDS {
  return typeof kind === 'string' && Object.hasOwn(KINDS, kind);
}

function unknownKind(kind: unknown): string {
  const known = Object.keys(KINDS);
  if (typeof kind !== 'string') return `must be one of ${known.join(', ')}`;
  if (kind === 'NamespacePolicy') return 'is a kind that `capstan policy migrate` turns into a PolicyBundle';
  const guess = nearest(kind, known);
  const suggestion = guess === undefined ? `known kinds: ${known.join(', ')}` : `did you mean ${guess}?`;
  return `${quoted(kind)} is no kind of policy; ${suggestion}`;
}
