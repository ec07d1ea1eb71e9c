// The policies that are kept where they should come from, as in Git, against those that are in force: document by
// document, and field by field where the text of both is at hand.
import type { Position } from '../../text/position.ts';
import { differences, type FieldDifference } from '../comparison/differences.ts';
import type { PolicyDocument } from '../documents.ts';
import { digestDifferences, type PolicyDigest } from './drift.ts';

/** `missing`: in force, and not kept. `extra`: kept, and not in force. */
export const DRIFT_KINDS = ['missing', 'extra', 'different'] as const;

export interface PolicyDrift {
  readonly title: string;
  readonly drift: (typeof DRIFT_KINDS)[number];
  /** Of what is kept. */
  readonly position?: Position;
  /** From what is in force to what is kept; absent when the text in force is not at hand. */
  readonly fields?: readonly FieldDifference[];
}

/** A policy whose text is at hand. */
export interface KnownPolicy {
  readonly document: PolicyDocument;
  /** Hex SHA-256 of its canonical bytes. */
  readonly digest: string;
  /** Where it is written. */
  readonly position?: Position;
}

/**
 * @param inForce names and digests.
 * @param atHand texts, some of which may be those in force.
 * @param kept what should be in force.
 * @param most of those that are different, compared field by field: the first.
 */
export function policyDrift(
  inForce: readonly PolicyDigest[],
  atHand: readonly KnownPolicy[],
  kept: readonly KnownPolicy[],
  most = Infinity,
): readonly PolicyDrift[] {
  const texts = new Map(atHand.map((known) => [known.digest, known]));
  let compared = 0;
  const named = kept.map((known) => ({ ...digestOf(known), known }));
  return digestDifferences(inForce, named).map(({ title, inForce: used, kept: other }) => {
    const position = other?.known.position;
    const place = position === undefined ? {} : { position };
    if (used === undefined) return { title, drift: 'extra', ...place };
    if (other === undefined) return { title, drift: 'missing' };
    const text = texts.get(used.digest);
    const isCompared = text !== undefined && (compared += 1) <= most;
    const fields = isCompared ? { fields: changedFields(text, other.known) } : {};
    return { title, drift: 'different', ...place, ...fields };
  });
}

export function digestOf({ document, digest }: KnownPolicy): PolicyDigest {
  const { kind, name } = document;
  return { kind, ...(kind === 'IssuancePolicy' && { namespace: document.namespace }), name, digest };
}

function changedFields(before: KnownPolicy, after: KnownPolicy): readonly FieldDifference[] {
  return differences([before.document], [after.document]).filter(({ direction }) => direction !== 'unchanged');
}
