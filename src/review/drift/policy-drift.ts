// The policies that Git keeps against those that are in force, document by document; field by field where the
// text of both is at hand.
import type { ParsedDocument } from '../../adapters/policy/source/parse-documents.ts';
import { differences, type FieldDifference } from '../../domain/policy/comparison/differences.ts';
import { digestDifferences, type PolicyDigest } from '../../domain/policy/history/drift.ts';
import type { Position } from '../../domain/text/position.ts';

export interface PolicyDrift {
  readonly title: string;
  readonly drift: 'missing' | 'extra' | 'different';
  /** Of what Git keeps. */
  readonly position?: Position;
  /** From what is in force to what Git keeps; absent when the text in force is not at hand. */
  readonly fields?: readonly FieldDifference[];
}

interface KeptPolicy extends PolicyDigest {
  readonly parsed: ParsedDocument;
}

/**
 * @param inForce names and digests.
 * @param onDisk texts, some of which may be those in force.
 * @param inGit what should be in force.
 */
export function policyDrift(
  inForce: readonly PolicyDigest[],
  onDisk: readonly ParsedDocument[],
  inGit: readonly ParsedDocument[],
): readonly PolicyDrift[] {
  const texts = new Map(onDisk.map((parsed) => [parsed.digest, parsed]));
  const kept = inGit.map((parsed): KeptPolicy => ({ ...digestOf(parsed), parsed }));
  return digestDifferences(inForce, kept).map(({ title, inForce: used, kept: other }) => {
    const position = other?.parsed.position;
    const place = position === undefined ? {} : { position };
    if (used === undefined) return { title, drift: 'extra', ...place };
    if (other === undefined) return { title, drift: 'missing' };
    const text = texts.get(used.digest);
    const fields = text === undefined ? {} : { fields: changedFields(text, other.parsed) };
    return { title, drift: 'different', ...place, ...fields };
  });
}

export function digestOf({ document, digest }: ParsedDocument): PolicyDigest {
  const { kind, name } = document;
  return { kind, ...(kind === 'IssuancePolicy' && { namespace: document.namespace }), name, digest };
}

function changedFields(before: ParsedDocument, after: ParsedDocument): readonly FieldDifference[] {
  return differences([before.document], [after.document]).filter(({ direction }) => direction !== 'unchanged');
}
