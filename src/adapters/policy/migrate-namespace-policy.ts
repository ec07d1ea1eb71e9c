// From the policy file that was there before bundles to a bundle that decides alike. The old rules were a union,
// of which the widest won; central rules are all held to. Where two of them apply to the same workload and do
// not say the same, no bundle of one rule each decides alike, and somebody has to look.
import { stringify } from 'yaml';
import { parseDuration } from '../../domain/text/duration.ts';
import { covers, type NamePattern } from '../../domain/policy/name-patterns.ts';
import type { Position, Problem } from '../../domain/text/position.ts';
import { KEY_TYPES, parseNamespacePolicy, type NamespaceRule } from './schema/namespace-policy.ts';

/** What the old file did not say, and a bundle has to. */
export interface MigrationChoices {
  readonly name: string;
  readonly sequence: number;
  readonly contact: string;
  readonly trustDomain: string;
}

/** Two rules that allow different things to the same workload. */
export interface Overlap {
  readonly rules: readonly [MigratedRule, MigratedRule];
  /** Patterns, of each side one, that have names in common. */
  readonly namespaces: readonly [NamePattern, NamePattern];
  readonly serviceAccounts: readonly [NamePattern, NamePattern];
}

export interface MigratedRule {
  /** In the bundle. */
  readonly id: string;
  /** In the old file. */
  readonly position: Position;
}

export interface Migration {
  /** The bundle as YAML; absent when the old file has problems. */
  readonly bundle?: string;
  readonly overlaps: readonly Overlap[];
  readonly problems: readonly Problem[];
}

/** The longest lifetime that a server grants unless it is told otherwise. */
const ASSUMED_TTL = '24h';
const USAGES = ['digitalSignature', 'keyEncipherment', 'serverAuth', 'clientAuth'];
/** Overlaps that are told; mending some mends most of the rest. */
const MAX_OVERLAPS = 100;

/** @param place what an operator calls the text. Never throws. */
export function migrateNamespacePolicy(text: string, place: string, choices: MigrationChoices): Migration {
  const { rules, problems } = parseNamespacePolicy(text, place);
  if (problems.length > 0) return { overlaps: [], problems };
  const bundle = {
    apiVersion: 'capstan.dev/v1alpha1',
    kind: 'PolicyBundle',
    metadata: { name: choices.name, sequence: choices.sequence },
    owner: { team: 'security', contact: choices.contact },
    rules: rules.map((rule, index) => centralRule(rule, idOf(index), choices)),
  };
  return {
    bundle:
      headOf(place, rules) + stringify(bundle, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' }),
    overlaps: overlapsOf(rules),
    problems: [],
  };
}

function idOf(index: number): string {
  return `rule-${index + 1}`;
}

function centralRule(
  { namespaces, serviceAccounts, keyTypes, maxTtl }: NamespaceRule,
  id: string,
  { trustDomain }: MigrationChoices,
) {
  return {
    id,
    match: { namespaces: { names: namespaces }, serviceAccounts },
    bounds: {
      trustDomains: [trustDomain],
      spiffeId: 'spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}',
      dnsNames: 'none',
      ttl: { max: maxTtl ?? ASSUMED_TTL },
      keys: KEY_TYPES.filter((type) => keyTypes.includes(type)),
      usages: USAGES,
    },
  };
}

function headOf(place: string, rules: readonly NamespaceRule[]): string {
  const unlimited = rules.flatMap(({ maxTtl }, index) => (maxTtl === undefined ? [idOf(index)] : []));
  const lines = [
    `Made from ${place.replaceAll(/\p{Cc}/gu, ' ')} by capstan policy migrate. What the old file did not say is assumed:`,
    '- identities have the shape that Istio gives them, in one trust domain, and no DNS names;',
    '- certificates may be used as TLS server and client;',
    '- nobody may ask on behalf of another workload, and any issuer may sign;',
    '- the rules apply to the class workload, which everybody is of unless `classes` says otherwise.',
    ...(unlimited.length === 0
      ? []
      : [`Without a maxTtl of their own, these got ${ASSUMED_TTL}: ${listed(unlimited)}.`]),
    'Put your own team and contact under `owner`, then sign it with capstan bundle sign.',
  ];
  return lines.map((line) => `# ${line}\n`).join('');
}

function listed(ids: readonly string[]): string {
  return ids.length > 20 ? `${ids.slice(0, 20).join(', ')} and ${ids.length - 20} more` : ids.join(', ');
}

function overlapsOf(rules: readonly NamespaceRule[]): readonly Overlap[] {
  const found: Overlap[] = [];
  for (const [first, one] of rules.entries()) {
    for (const [offset, other] of rules.slice(first + 1).entries()) {
      if (found.length >= MAX_OVERLAPS) return found;
      const shared = sharedOf(one, other);
      if (shared === undefined) continue;
      const pair = [
        { id: idOf(first), position: one.position },
        { id: idOf(first + 1 + offset), position: other.position },
      ] as const;
      found.push({ rules: pair, ...shared });
    }
  }
  return found;
}

/** Rules that say the same may apply to the same workload: both is then either. */
function sharedOf(one: NamespaceRule, other: NamespaceRule): Omit<Overlap, 'rules'> | undefined {
  if (allowanceOf(one) === allowanceOf(other)) return undefined;
  const namespaces = meeting(one.namespaces, other.namespaces);
  const serviceAccounts = namespaces && meeting(one.serviceAccounts, other.serviceAccounts);
  return namespaces && serviceAccounts && { namespaces, serviceAccounts };
}

function allowanceOf({ keyTypes, maxTtl = ASSUMED_TTL }: NamespaceRule): string {
  return JSON.stringify([parseDuration(maxTtl), KEY_TYPES.filter((type) => keyTypes.includes(type))]);
}

/** Of exact names and prefixes, two have a name in common when one covers the other. */
function meeting(
  ours: readonly NamePattern[],
  theirs: readonly NamePattern[],
): readonly [NamePattern, NamePattern] | undefined {
  for (const our of ours) {
    const their = theirs.find((pattern) => covers(our, pattern) || covers(pattern, our));
    if (their !== undefined) return [our, their];
  }
  return undefined;
}
