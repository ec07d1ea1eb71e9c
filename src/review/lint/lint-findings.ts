// Everything that lint says of policy documents, in the order in which they are written.
import type { ParsedDocument } from '../../adapters/policy/source/parse-documents.ts';
import type { PolicyBundle } from '../../domain/policy/documents.ts';
import { impossible, type Impossibility } from '../../domain/policy/comparison/impossible.ts';
import type { Problem } from '../../domain/text/position.ts';
import { lintBundle } from './lint-bundle.ts';
import { lintLocal } from './lint-local.ts';
import { findingAt, schemaFinding } from '../sources/finding-places.ts';
import type { Finding } from '../findings.ts';

export interface ParsedPolicies {
  readonly documents: readonly ParsedDocument[];
  readonly problems: readonly Problem[];
  /** What local policies are held against. */
  readonly bundle?: PolicyBundle;
  readonly nowMs: number;
}

export function lintFindings({ documents, problems, bundle, nowMs }: ParsedPolicies): readonly Finding[] {
  const found = [
    ...problems.map(schemaFinding),
    ...documents.flatMap((document) => findingsOf(document, bundle, nowMs)),
    ...impossibleIn(documents, bundle),
    ...(bundle === undefined ? ambiguous(documents) : []),
  ];
  return found.sort(byPosition);
}

function findingsOf(document: ParsedDocument, bundle: PolicyBundle | undefined, nowMs: number): readonly Finding[] {
  return document.document.kind === 'PolicyBundle'
    ? lintBundle(document, document.document, nowMs)
    : lintLocal(document, document.document, bundle);
}

/** A bundle that policies are only held against is not the author's to mend. */
function impossibleIn(documents: readonly ParsedDocument[], bundle: PolicyBundle | undefined): readonly Finding[] {
  const locals = documents.flatMap(({ document }) => (document.kind === 'PolicyBundle' ? [] : [document]));
  const found = [
    ...documents.flatMap(({ document }) => (document.kind === 'PolicyBundle' ? impossible(document, []) : [])),
    ...impossible(bundle, locals).filter(({ document }) => document.kind !== 'PolicyBundle'),
  ];
  return found.flatMap((each) => {
    const written = documents.find(({ document }) => document === each.document);
    return written === undefined ? [] : [impossibleFinding(written, each)];
  });
}

function impossibleFinding(document: ParsedDocument, { field, left, with: other, certain }: Impossibility): Finding {
  const together = other === undefined ? '' : ` together with ${other}`;
  const whom = certain ? 'nobody can pass' : 'whom both match cannot pass';
  const message = `${field}: leaves ${left}${together}; ${whom}`;
  return findingAt(document, field, { id: 'policy/impossible', severity: certain ? 'error' : 'warning', message });
}

function ambiguous(documents: readonly ParsedDocument[]): readonly Finding[] {
  const bundles = documents.filter(({ document }) => document.kind === 'PolicyBundle');
  const [, second] = bundles;
  if (second === undefined || bundles.length === documents.length) return [];
  const message = `one of ${bundles.length} bundles; local policies were held against none`;
  return [findingAt(second, '', { id: 'policy/ambiguous', severity: 'warning', message })];
}

function byPosition({ position: a }: Finding, { position: b }: Finding): number {
  if (a === undefined || b === undefined) return 0;
  const places = a.place < b.place ? -1 : Number(a.place > b.place);
  return places || a.line - b.line || a.column - b.column;
}
