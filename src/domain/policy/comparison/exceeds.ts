// Where a local policy asks for more than the bundle gives. It has no effect, whatever it asks for: to
// report it before it is merged is a convenience, not protection.
import { KEY_TYPES, UNBOUNDED, type Bounds } from '../bounds.ts';
import { BOUND_FIELDS, type BoundField } from './bound-fields.ts';
import { directionOfOnRenew } from './conditions.ts';
import { sharePatterns } from './limits.ts';
import { reachOfLocal } from './reach.ts';
import { formatDuration } from '../../text/duration.ts';
import { formatOnRenew, formatPatterns, formatQuota } from './formats.ts';
import type { LocalPolicy, PolicyBundle } from '../documents.ts';
import { grantsFor, type RuleGrant } from './rule-grants.ts';
import type { NameLimit } from '../name-patterns.ts';

export interface Exceeding {
  /** Dotted, conditions by their id: `spec.narrow.ttl.max`. */
  readonly field: string;
  readonly actual: string;
  /** The most that the bundle gives. */
  readonly allowed: string;
}

/**
 * Every field that asks for more than the bundle can give to anybody whom the policy applies to, whatever
 * the cluster.
 * @param isWritten whether the document says a field that limits nothing: `["*"]` asks for all, silence for nothing.
 */
export function exceeds(
  policy: LocalPolicy,
  bundle: PolicyBundle,
  isWritten: (field: string) => boolean = () => false,
): readonly Exceeding[] {
  if (policy.mode === 'off') return [];
  const grants = grantsFor(policy, bundle);
  return [
    ...namespacesBeyond(policy, bundle),
    ...(grants.length === 0
      ? []
      : BOUND_FIELDS.flatMap((field) => boundBeyond(field, policy.narrow, grants, isWritten))),
    ...conditionsBeyond(policy, bundle),
    ...quotasBeyond(policy, bundle),
  ];
}

/** Namespaces in which no rule gives anybody an identity. */
function namespacesBeyond(policy: LocalPolicy, { rules }: PolicyBundle): readonly Exceeding[] {
  const given = rules.flatMap(({ bounds, mode, match }) =>
    bounds === undefined || mode !== 'enforce' ? [] : (match.namespaces.names ?? ['*']),
  );
  const names = reachOfLocal(policy).namespaces.names ?? [];
  const beyond = names.filter((name) => !sharePatterns([name], given));
  if (beyond.length === 0) return [];
  const field = policy.kind === 'IssuancePolicy' ? 'metadata.namespace' : 'spec.namespaces.names';
  return [{ field, actual: beyond.join(' '), allowed: formatPatterns([...new Set(given)].sort()) }];
}

function boundBeyond(
  field: BoundField,
  narrow: Bounds,
  grants: readonly RuleGrant[],
  isWritten: (field: string) => boolean,
): readonly Exceeding[] {
  const at = `spec.narrow.${field.field}`;
  const refused = requestedValues(field.field, narrow, isWritten(at)).flatMap((requested) => {
    const strict = grants.find(({ binding, bounds }) => binding && !field.covers(bounds, requested));
    if (strict === undefined && grants.some(({ bounds }) => field.covers(bounds, requested))) return [];
    return [{ requested, by: strict === undefined ? grants : [strict] }];
  });
  if (refused.length === 0) return [];
  const allowed = refused.flatMap(({ by }) => by.map(({ bounds }) => field.format(bounds)));
  return [
    {
      field: at,
      actual: refused.map(({ requested }) => field.format(requested)).join(' '),
      allowed: [...new Set(allowed)].join(' or '),
    },
  ];
}

/** What a policy asks for in one field, thing by thing: each may be given by another rule. */
function requestedValues(field: string, narrow: Bounds, written: boolean): readonly Bounds[] {
  const namesOf = (limit: NameLimit): readonly NameLimit[] => eachName(limit.length === 0 && written ? [['*']] : limit);
  switch (field) {
    case 'keys':
      return KEY_TYPES.filter((type) => narrow.keys?.[type] !== undefined).map((type) => ({
        ...UNBOUNDED,
        keys: { [type]: narrow.keys?.[type] },
      }));
    case 'usages':
      return (narrow.usages ?? []).map((usage) => ({ ...UNBOUNDED, usages: [usage] }));
    case 'ttl.max':
      return narrow.ttl.maxMs === Infinity ? [] : [narrow];
    case 'ttl.default':
      return narrow.ttl.defaultMs === Infinity ? [] : [narrow];
    case 'trustDomains':
      return namesOf(narrow.trustDomains).map((trustDomains) => ({ ...UNBOUNDED, trustDomains }));
    case 'spiffeId':
      // A template without a wildcard spells one name for each workload: it cannot be wider than another one.
      return namesOf(narrow.spiffeIds)
        .filter((limit) => limit.flat().some((template) => template.includes('*')))
        .map((spiffeIds) => ({ ...UNBOUNDED, spiffeIds }));
    case 'serviceAccounts':
      return namesOf(narrow.serviceAccounts).map((serviceAccounts) => ({ ...UNBOUNDED, serviceAccounts }));
    case 'dnsNames':
      return namesOf(narrow.dnsNames).map((dnsNames) => ({ ...UNBOUNDED, dnsNames }));
    case 'impersonators':
      return namesOf(narrow.impersonators).map((impersonators) => ({ ...UNBOUNDED, impersonators }));
    case 'issuer':
      return namesOf(narrow.issuers).map((issuers) => ({ ...UNBOUNDED, issuers }));
    default:
      // A shorter minimum than the bundle's gives nobody anything: the longer one stays in force.
      return [];
  }
}

function eachName(limit: NameLimit): readonly NameLimit[] {
  return limit.flatMap((set) => set.map((pattern) => [[pattern]]));
}

function conditionsBeyond({ conditions }: LocalPolicy, { namespaces }: PolicyBundle): readonly Exceeding[] {
  const { maxWaitMs, onRenew: gentlest } = namespaces;
  return conditions
    .filter(({ mode }) => mode !== 'off')
    .flatMap(({ id, waitMs, onRenew }) => [
      ...(waitMs <= maxWaitMs
        ? []
        : [
            {
              field: `spec.conditions.${id}.waitFor`,
              actual: formatDuration(waitMs),
              allowed: formatDuration(maxWaitMs),
            },
          ]),
      ...(directionOfOnRenew(gentlest, onRenew) !== 'widened'
        ? []
        : [
            {
              field: `spec.conditions.${id}.onRenew`,
              actual: formatOnRenew(onRenew),
              allowed: formatOnRenew(gentlest),
            },
          ]),
    ]);
}

function quotasBeyond({ quotas }: LocalPolicy, { namespaces }: PolicyBundle): readonly Exceeding[] {
  return (['perNamespacePerMinute', 'perIdentityPerMinute'] as const)
    .filter((field) => quotas[field] !== Infinity && quotas[field] > namespaces.quotas[field])
    .map((field) => ({
      field: `spec.quotas.${field}`,
      actual: formatQuota(quotas[field]),
      allowed: formatQuota(namespaces.quotas[field]),
    }));
}
