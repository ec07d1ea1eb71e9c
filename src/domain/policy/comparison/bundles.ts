// Two bundles of one name, field by field.
import { formatDuration } from '../../text/duration.ts';
import { directionOfOnRenew } from './conditions.ts';
import {
  ABSENT_FIELD,
  directionOf,
  directionOfLimit,
  inverse,
  wording,
  type Change,
  type Direction,
} from './direction.ts';
import { coversLabels, coversPatterns } from './limits.ts';
import { compareRules } from './rules.ts';
import { formatOnRenew, formatPatterns, formatQuota, formatSelector, formatTime, yesOrNo } from './formats.ts';
import type { BundleIssuer, LocalCeiling, NamespaceSelector, PolicyBundle, Quotas } from '../documents.ts';

export function compareBundles(before: PolicyBundle, after: PolicyBundle): readonly Change[] {
  const assigned = [before, after].map(({ classes }) => JSON.stringify(classes)) as [string, string];
  return [
    text('metadata.sequence', String(before.sequence), String(after.sequence)),
    ...compareValidity(before.validity, after.validity),
    {
      field: 'audience.clusters',
      before: formatPatterns(before.audience),
      after: formatPatterns(after.audience),
      direction: directionOf<readonly string[]>(before.audience, after.audience, coversPatterns),
    },
    text('owner.team', before.owner.team, after.owner.team),
    text('owner.contact', before.owner.contact, after.owner.contact),
    ...compareIssuers(before.issuers, after.issuers),
    // A workload whose class changes is judged by other rules.
    { ...text('classes', ...assigned), direction: assigned[0] === assigned[1] ? 'unchanged' : 'changed' },
    ...compareRules({ before, after }),
    ...compareCeilings(before.namespaces, after.namespaces),
    {
      field: 'twoPersons',
      before: listed(before.twoPersons),
      after: listed(after.twoPersons),
      // What needs no second person any more is easier than it was.
      direction: inverse(directionOf<readonly string[]>(before.twoPersons, after.twoPersons, includesAll)),
    },
  ];
}

function listed(operations: readonly string[]): string {
  return operations.length === 0 ? ABSENT_FIELD : operations.join(', ');
}

function includesAll(some: readonly string[], others: readonly string[]): boolean {
  return others.every((one) => some.includes(one));
}

function text(field: string, before: string, after: string): Change {
  return { field, before, after, direction: wording(before, after) };
}

function compareValidity(before: PolicyBundle['validity'], after: PolicyBundle['validity']): readonly Change[] {
  const time = (field: string, one: number, other: number, direction: Direction): Change => ({
    field: `validity.${field}`,
    before: formatTime(one),
    after: formatTime(other),
    direction,
  });
  return [
    time('notBefore', before.notBeforeMs, after.notBeforeMs, directionOfLimit(after.notBeforeMs, before.notBeforeMs)),
    // The soft expiry only warns.
    text('validity.softExpiry', formatTime(before.softExpiryMs), formatTime(after.softExpiryMs)),
    time(
      'hardExpiry',
      before.hardExpiryMs,
      after.hardExpiryMs,
      directionOfLimit(before.hardExpiryMs, after.hardExpiryMs),
    ),
    flag('validity.renewAfterHardExpiry', before.renewAfterHardExpiry, after.renewAfterHardExpiry),
  ];
}

/** Of what gives more when it is true. */
function flag(field: string, before: boolean, after: boolean): Change {
  const direction = directionOfLimit(Number(before), Number(after));
  return { field, before: yesOrNo(before), after: yesOrNo(after), direction };
}

/** An entry only demands something of an issuer; one that is not listed meets every demand. */
function compareIssuers(before: readonly BundleIssuer[], after: readonly BundleIssuer[]): readonly Change[] {
  const names = [...new Set([...before, ...after].map(({ name }) => name))].sort();
  return names.flatMap((name) => {
    const free: BundleIssuer = { name, minRemainingMs: 0 };
    const [one, other] = [before, after].map((list) => list.find((issuer) => issuer.name === name) ?? free) as [
      BundleIssuer,
      BundleIssuer,
    ];
    const anchors = { before: one.anchor ?? ABSENT_FIELD, after: other.anchor ?? ABSENT_FIELD };
    const least = { before: formatDuration(one.minRemainingMs), after: formatDuration(other.minRemainingMs) };
    const asFree = (outer: string, inner: string): boolean => outer === ABSENT_FIELD || outer === inner;
    return [
      { field: `issuers.${name}.anchor`, ...anchors, direction: directionOf(anchors.before, anchors.after, asFree) },
      {
        field: `issuers.${name}.minRemaining`,
        ...least,
        direction: directionOfLimit(other.minRemainingMs, one.minRemainingMs),
      },
      {
        field: `issuers.${name}.maxPathLength`,
        before: String(one.maxPathLength ?? ABSENT_FIELD),
        after: String(other.maxPathLength ?? ABSENT_FIELD),
        direction: directionOfLimit(one.maxPathLength ?? Infinity, other.maxPathLength ?? Infinity),
      },
    ];
  });
}

function compareCeilings(before: LocalCeiling, after: LocalCeiling): readonly Change[] {
  const required = flag('namespaces.requireLocal', before.requireLocal, after.requireLocal);
  const audits = [before.audit, after.audit].map((list) => list.map(formatSelector).join(', or ') || 'none');
  return [
    { ...required, direction: inverse(required.direction) },
    {
      field: 'namespaces.maxLocalWait',
      before: formatDuration(before.maxWaitMs),
      after: formatDuration(after.maxWaitMs),
      direction: directionOfLimit(before.maxWaitMs, after.maxWaitMs),
    },
    {
      field: 'namespaces.onRenew',
      before: formatOnRenew(before.onRenew),
      after: formatOnRenew(after.onRenew),
      direction: directionOfOnRenew(before.onRenew, after.onRenew),
    },
    ...compareQuotas('namespaces.quotas', before.quotas, after.quotas),
    {
      field: 'namespaces.audit',
      before: audits[0] ?? '',
      after: audits[1] ?? '',
      direction: directionOf(before.audit, after.audit, coversSelectors),
    },
  ];
}

function coversSelectors(outer: readonly NamespaceSelector[], inner: readonly NamespaceSelector[]): boolean {
  return inner.every(({ names, labels }) =>
    outer.some((wide) => coversPatterns(wide.names, names) && coversLabels(wide.labels, labels)),
  );
}

/** @param at where they stand in their document. */
export function compareQuotas(at: string, before: Quotas, after: Quotas): readonly Change[] {
  return (['perNamespacePerMinute', 'perIdentityPerMinute'] as const).map((field) => ({
    field: `${at}.${field}`,
    before: formatQuota(before[field]),
    after: formatQuota(after[field]),
    direction: directionOfLimit(before[field], after[field]),
  }));
}
