// One statement's fields against a request: every clause that does not hold, each with what would.
import { formatDuration } from '../../text/duration.ts';
import { formatKeyType } from '../../x509/key-types.ts';
import { formatKeys, type KeyType } from '../bounds.ts';
import type { FailedClause, PolicyReason } from '../policy-decision.ts';
import { admits, matchesAny, type NameLimit } from '../name-patterns.ts';
import type { PolicyRequest } from '../request.ts';
import type { PolicyStatement } from './statement.ts';

/** What a check adds to the statement it comes from. */
export interface FailedCheck {
  readonly reason: PolicyReason;
  readonly field: string;
  readonly actual: string;
  readonly allowed: string;
  readonly change: string;
  readonly message?: string;
  readonly mayPassLater?: boolean;
}

export function clauseOf(statement: PolicyStatement, failedCheck: FailedCheck): FailedClause {
  const { layer, policy, contact } = statement;
  const { reason, field, actual, allowed, change, message, mayPassLater = false } = failedCheck;
  return {
    reason,
    layer,
    policy,
    field,
    actual,
    allowed,
    change,
    ...(message !== undefined && { message }),
    ...(contact !== undefined && { contact }),
    mayPassLater,
  };
}

type Check = (statement: PolicyStatement, request: PolicyRequest) => FailedCheck | undefined;

/** Usages and the lifetime's interval are judged over all statements together: see combined-limits.ts. */
const CHECKS: readonly Check[] = [
  deniedNamespace,
  deniedServiceAccount,
  trustDomain,
  spiffeId,
  serviceAccount,
  impersonator,
  key,
  dnsNames,
  shortLifetime,
  issuer,
];

export function checkBounds(statement: PolicyStatement, request: PolicyRequest): readonly FailedClause[] {
  const failed: FailedClause[] = [];
  for (const check of CHECKS) {
    const failedCheck = check(statement, request);
    if (failedCheck !== undefined) failed.push(clauseOf(statement, failedCheck));
  }
  return failed;
}

function deniedNamespace({ deny, at }: PolicyStatement, { subject }: PolicyRequest): FailedCheck | undefined {
  if (!matchesAny(deny.namespaces, subject.namespace)) return undefined;
  return {
    reason: 'CAP-P04',
    field: `${at.own}.deny.namespaces`,
    actual: `namespace ${subject.namespace}`,
    allowed: `none of ${deny.namespaces.join(' ')}`,
    change: 'run the workload in another namespace',
  };
}

function deniedServiceAccount({ deny, at }: PolicyStatement, { subject }: PolicyRequest): FailedCheck | undefined {
  if (!matchesAny(deny.serviceAccounts, subject.serviceAccount)) return undefined;
  return {
    reason: 'CAP-P04',
    field: `${at.own}.deny.serviceAccounts`,
    actual: `service account ${subject.serviceAccount}`,
    allowed: `none of ${deny.serviceAccounts.join(' ')}`,
    change: 'give the workload a service account of its own',
  };
}

function trustDomain({ bounds, at }: PolicyStatement, { subject }: PolicyRequest): FailedCheck | undefined {
  if (admits(bounds.trustDomains, subject.trustDomain)) return undefined;
  return {
    reason: 'CAP-P03',
    field: `${at.bounds}.trustDomains`,
    actual: subject.trustDomain,
    allowed: formatLimit(bounds.trustDomains),
    change: 'use a trust domain that is listed',
  };
}

function spiffeId({ bounds, at }: PolicyStatement, { subject }: PolicyRequest): FailedCheck | undefined {
  if (bounds.spiffeIds.length === 0) return undefined;
  const limit = bounds.spiffeIds.map((set) => set.map((template) => expand(template, subject)));
  if (admits(limit, subject.spiffeId)) return undefined;
  return {
    reason: 'CAP-P03',
    field: `${at.bounds}.spiffeId`,
    actual: subject.spiffeId,
    allowed: formatLimit(limit),
    change: 'ask for the SPIFFE ID that the policy spells',
  };
}

function serviceAccount({ bounds, at }: PolicyStatement, { subject }: PolicyRequest): FailedCheck | undefined {
  if (admits(bounds.serviceAccounts, subject.serviceAccount)) return undefined;
  return {
    reason: 'CAP-P03',
    field: `${at.bounds}.serviceAccounts`,
    actual: subject.serviceAccount,
    allowed: formatLimit(bounds.serviceAccounts),
    change: 'use a service account that is listed',
  };
}

function impersonator({ bounds, at }: PolicyStatement, { actor }: PolicyRequest): FailedCheck | undefined {
  if (actor === undefined || admits(bounds.impersonators, actor)) return undefined;
  return {
    reason: 'CAP-P09',
    field: `${at.bounds}.impersonators`,
    actual: actor,
    allowed: formatLimit(bounds.impersonators),
    change: 'have the workload or a listed node proxy ask',
  };
}

function key({ bounds, at }: PolicyStatement, { key: { type, bits } }: PolicyRequest): FailedCheck | undefined {
  const least = bounds.keys?.[type as KeyType];
  if (bounds.keys === undefined || (least !== undefined && bits >= least)) return undefined;
  return {
    reason: 'CAP-P02',
    field: `${at.bounds}.keys`,
    actual: formatKeyType({ type, bits }),
    allowed: formatKeys(bounds.keys),
    change: 'use a key of a type that is listed',
  };
}

function dnsNames({ bounds, at }: PolicyStatement, request: PolicyRequest): FailedCheck | undefined {
  const refused = request.dnsNames.filter((name) => !admits(bounds.dnsNames, name));
  if (refused.length === 0) return undefined;
  return {
    reason: 'CAP-P06',
    field: `${at.bounds}.dnsNames`,
    actual: refused.join(' '),
    allowed: formatLimit(bounds.dnsNames),
    change: 'leave the name out of the CSR',
  };
}

/** Too long is cut, never refused; too short cannot be mended without giving more than was asked. */
function shortLifetime({ bounds, at }: PolicyStatement, { requestedTtlMs }: PolicyRequest): FailedCheck | undefined {
  if (requestedTtlMs <= 0 || requestedTtlMs >= bounds.ttl.minMs) return undefined;
  return {
    reason: 'CAP-P05',
    field: `${at.bounds}.ttl.min`,
    actual: formatDuration(requestedTtlMs),
    allowed: `at least ${formatDuration(bounds.ttl.minMs)}`,
    change: 'ask for a longer lifetime, or for none',
  };
}

function issuer({ bounds, at }: PolicyStatement, request: PolicyRequest): FailedCheck | undefined {
  if (admits(bounds.issuers, request.issuer.name)) return undefined;
  return {
    reason: 'CAP-P08',
    field: `${at.bounds}.issuer`,
    actual: request.issuer.name,
    allowed: formatLimit(bounds.issuers),
    change: 'ask a Capstan that signs with this issuer',
  };
}

function expand(
  template: string,
  { trustDomain: domain, namespace, serviceAccount: account }: PolicyRequest['subject'],
) {
  return template
    .replaceAll('{trustDomain}', domain)
    .replaceAll('{namespace}', namespace)
    .replaceAll('{serviceAccount}', account);
}

function formatLimit(limit: NameLimit): string {
  return limit.map((set) => (set.length === 0 ? 'none' : set.join(' '))).join(', and of ');
}
