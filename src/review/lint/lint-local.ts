// Findings for the author of a local policy, beside what does not parse.
import type { ParsedDocument } from '../../adapters/policy/source/parse-documents.ts';
import type { LocalPolicy, PolicyBundle } from '../../domain/policy/documents.ts';
import { grantsFor } from '../../domain/policy/comparison/rule-grants.ts';
import { exceeds, type Exceeding } from '../../domain/policy/comparison/exceeds.ts';
import { localName } from '../../domain/policy/evaluation/statement.ts';
import type { Finding } from '../findings.ts';
import { findingAt, isWritten } from '../sources/finding-places.ts';

/** @param bundle what the policy is held against; without one it is judged by itself. */
export function lintLocal(
  document: ParsedDocument,
  policy: LocalPolicy,
  bundle: PolicyBundle | undefined,
): readonly Finding[] {
  if (policy.mode === 'off') return [off(document, 'spec.mode', localName(policy))];
  return [
    ...(bundle === undefined ? [] : beyondBundle(document, policy, bundle)),
    ...switchedOff(document, policy),
    ...withoutContact(document, policy),
  ];
}

function beyondBundle(document: ParsedDocument, policy: LocalPolicy, bundle: PolicyBundle): readonly Finding[] {
  const found = exceeds(policy, bundle, (field) => isWritten(document, field)).filter(
    // A default that the bundle does not allow is nothing that the author could have known.
    ({ field }) => isWritten(document, field),
  );
  const errors = found.map((exceeding) => tooMuch(document, exceeding, bundle));
  const nowhere = found.some(({ field }) => isOfNamespaces(field));
  return nowhere || grantsFor(policy, bundle).length > 0
    ? errors
    : [...errors, appliesToNobody(document, policy, bundle)];
}

function tooMuch(document: ParsedDocument, { field, actual, allowed }: Exceeding, bundle: PolicyBundle): Finding {
  const message = isOfNamespaces(field)
    ? `${field}: no rule of ${bundle.name} gives anybody in ${actual} an identity; rules are for ${allowed}`
    : `${field}: ${actual} is more than ${bundle.name} gives (${allowed}); it has no effect`;
  return findingAt(document, field, { id: 'policy/exceeds', severity: 'error', message });
}

function isOfNamespaces(field: string): boolean {
  return field === 'metadata.namespace' || field === 'spec.namespaces.names';
}

function appliesToNobody(document: ParsedDocument, policy: LocalPolicy, bundle: PolicyBundle): Finding {
  const field = isWritten(document, 'spec.classes') ? 'spec.classes' : 'spec.subjects.serviceAccounts';
  const message = `${field}: no rule of ${bundle.name} gives an identity to anybody whom ${localName(policy)} applies to`;
  return findingAt(document, field, { id: 'policy/unreachable', severity: 'warning', message });
}

function switchedOff(document: ParsedDocument, { conditions }: LocalPolicy): readonly Finding[] {
  return conditions
    .filter(({ mode }) => mode === 'off')
    .map(({ id }) => off(document, `spec.conditions.${id}.mode`, `condition ${id}`));
}

export function off(document: ParsedDocument, field: string, what: string): Finding {
  return findingAt(document, field, {
    id: 'policy/off',
    severity: 'note',
    message: `${field}: ${what} is switched off`,
  });
}

/** A refused workload reads in its own log whom to ask; central rules fall back on the bundle's owner. */
function withoutContact(document: ParsedDocument, { contact, conditions }: LocalPolicy): readonly Finding[] {
  if (contact !== undefined || conditions.length === 0) return [];
  const message = 'spec.contact: is missing; whoever a condition refuses is not told whom to ask';
  return [findingAt(document, 'spec', { id: 'policy/contact', severity: 'warning', message })];
}
