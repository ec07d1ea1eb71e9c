// Policies that leave nothing: every subject that they apply to together is refused, whatever is asked. Usually it is
// a slip, and seldom found before somebody is refused.
import { meet, UNBOUNDED, type Bounds } from '../bounds.ts';
import { coversNames, coversPatterns } from './limits.ts';
import { coversReach, reachOfLocal, reachOfRule, shareReach, type Reach } from './reach.ts';
import type { CentralRule, Deny, LocalPolicy, PolicyBundle, PolicyDocument } from '../documents.ts';
import { grantsFor } from './rule-grants.ts';
import { emptyFields, type EmptyField } from './empty-fields.ts';
import { localName } from '../evaluation/statement.ts';

export interface Impossibility {
  readonly document: PolicyDocument;
  /** Dotted, rules and conditions by their id. */
  readonly field: string;
  /** What is left, in words. */
  readonly left: string;
  /** What leaves nothing together with it; absent when it leaves nothing by itself. */
  readonly with?: string;
  /** Whether one of the two applies to nobody else, so that all whom it applies to are refused. */
  readonly certain: boolean;
}

/** Most pairs that are compared; what is beyond is not reported. */
const MAX_PAIRS = 2_000_000;

/** What is enforced of a rule or a local policy, and where it stands. */
interface Part {
  readonly document: PolicyDocument;
  readonly name: string;
  readonly at: string;
  readonly bounds: Bounds;
  readonly deny: Deny;
  readonly reach: Reach;
}

/** @param locals of all namespaces; without a bundle they are judged by themselves. */
export function impossible(bundle: PolicyBundle | undefined, locals: readonly LocalPolicy[]): readonly Impossibility[] {
  const rules = bundle?.rules.flatMap((rule) => partOfRule(bundle, rule)) ?? [];
  const enforced = locals.filter(({ mode }) => mode === 'enforce');
  const sound = enforced.filter((policy) => alone(partOfLocal(policy)).length === 0);
  return [
    ...rules.flatMap((part) => [...alone(part), ...deniesItself(part)]),
    ...enforced.flatMap((policy) => alone(partOfLocal(policy))),
    ...inPairs(rules),
    ...(bundle === undefined ? [] : sound.flatMap((policy) => underBundle(policy, bundle))),
    ...inPairs(sound.map(partOfLocal)),
  ];
}

/** Rules that give no identity have no bounds that could be empty. */
function partOfRule(document: PolicyBundle, rule: CentralRule): readonly Part[] {
  const { id, bounds, deny, mode } = rule;
  if (mode !== 'enforce' || bounds === undefined) return [];
  return [{ document, name: `rules.${id}`, at: `rules.${id}.bounds`, bounds, deny, reach: reachOfRule(rule) }];
}

function partOfLocal(policy: LocalPolicy): Part {
  const { narrow: bounds, deny } = policy;
  return { document: policy, name: localName(policy), at: 'spec.narrow', bounds, deny, reach: reachOfLocal(policy) };
}

function alone({ document, at, bounds, reach }: Part): readonly Impossibility[] {
  return emptyFields(bounds, reach.serviceAccounts).map((empty) => ({ document, ...placed(at, empty), certain: true }));
}

/** A rule that gives an identity and denies it to everybody whom it matches. */
function deniesItself({ document, name, deny, reach }: Part): readonly Impossibility[] {
  const { namespaces, serviceAccounts } = deny;
  const denied = [
    ...(coversPatterns(namespaces, reach.namespaces.names) ? (['namespaces'] as const) : []),
    ...(coversNames([serviceAccounts], reach.serviceAccounts) ? (['serviceAccounts'] as const) : []),
  ];
  return denied.map((field) => ({
    document,
    field: `${name}.deny.${field}`,
    left: `nobody whom ${name} gives an identity`,
    certain: true,
  }));
}

/** What rules that apply to one workload leave it is the policy's to narrow, not to empty. */
function underBundle(policy: LocalPolicy, bundle: PolicyBundle): readonly Impossibility[] {
  const grants = grantsFor(policy, bundle);
  const binding = grants.filter((grant) => grant.binding).map(({ bounds }) => bounds);
  const under = binding.reduce(meet, UNBOUNDED);
  const left = grants.map(({ bounds }) =>
    emptyFields(meet(meet(under, bounds), policy.narrow), policy.serviceAccounts),
  );
  const [first] = left;
  if (first === undefined || left.some((fields) => fields.length === 0)) return [];
  const by = `${grants.map(({ rule }) => `rules.${rule.id}`).join(' and ')} of ${bundle.name}`;
  return first.map((empty) => ({ document: policy, ...placed('spec.narrow', empty), with: by, certain: true }));
}

/** Only what neither is by itself: that has been reported. */
function inPairs(parts: readonly Part[]): readonly Impossibility[] {
  const found: Impossibility[] = [];
  let pairs = 0;
  for (const [index, part] of parts.entries()) {
    for (const other of parts.slice(0, index)) {
      if (++pairs > MAX_PAIRS) return found;
      if (shareReach(part.reach, other.reach)) found.push(...pair(part, other));
    }
  }
  return found;
}

function pair(part: Part, other: Part): readonly Impossibility[] {
  const { document, at, bounds, reach } = part;
  const known = [part, other].flatMap((each) => emptyFields(each.bounds, []).map(({ field }) => field));
  const certain = coversReach(reach, other.reach) || coversReach(other.reach, reach);
  return emptyFields(meet(bounds, other.bounds), [])
    .filter(({ field }) => !known.includes(field))
    .map((empty) => ({ document, ...placed(at, empty), with: other.name, certain }));
}

function placed(at: string, { field, left }: EmptyField): { readonly field: string; readonly left: string } {
  return { field: `${at}.${field}`, left };
}
