// A bundle and its signatures as `bundle inspect` shows them.
import type { PolicyBundleDocument } from '../../../adapters/policy/source/policy-bundle-document.ts';
import type { CentralRule, NamespaceSelector, PolicyBundle } from '../../../domain/policy/documents.ts';
import { formatBounds } from '../../../review/explain/format-limits.ts';
import type { Terminal } from '../../terminal.ts';
import { formatTime, formatValidity } from '../../../domain/text/format-time.ts';

export interface InspectedSignature {
  readonly keyId: string;
  readonly algorithm: string;
  /** File of the key that it was tried with. */
  readonly key?: string;
  readonly verdict: string;
}

export interface InspectedBundle {
  readonly document: PolicyBundleDocument;
  /** None: it is not signed. */
  readonly signatures: readonly InspectedSignature[];
}

/** Rules are as they are written. */
export function bundleAsJson({ document: { document: bundle, ...parsed }, signatures }: InspectedBundle): object {
  const { name, sequence, validity, audience, owner } = bundle;
  const { rules } = parsed.data as { readonly rules?: unknown };
  return {
    name,
    sequence,
    digest: `sha256:${parsed.digest}`,
    validity: {
      notBefore: isoTime(validity.notBeforeMs),
      softExpiry: isoTime(validity.softExpiryMs),
      hardExpiry: isoTime(validity.hardExpiryMs),
      renewAfterHardExpiry: validity.renewAfterHardExpiry,
    },
    audience: { clusters: audience },
    owner,
    rules,
    signatures,
  };
}

export function printBundle(
  { document: { document: bundle, ...parsed }, signatures }: InspectedBundle,
  terminal: Terminal,
  nowMs: number,
): void {
  const { name, sequence, audience, owner, rules } = bundle;
  terminal.print(terminal.styled('bold', `${name}@${sequence}`));
  terminal.print(`  digest    sha256:${parsed.digest}`);
  for (const [index, line] of validityLines(bundle, nowMs).entries()) {
    terminal.print(`  ${index === 0 ? 'valid' : '     '}     ${line}`);
  }
  terminal.print(`  audience  ${audience.join(', ')}`);
  terminal.print(`  owner     ${owner.team}, ${owner.contact}`);
  terminal.print('');
  terminal.printTable([['RULE', 'CLASSES', 'NAMESPACES', 'MODE', 'ALLOWS'], ...rules.map(ruleRow)]);
  terminal.print('');
  if (signatures.length === 0) terminal.print('not signed');
  for (const { keyId, algorithm, key, verdict } of signatures) {
    terminal.print(`signature by ${key === undefined ? keyId : `${key} (${keyId})`}, ${algorithm}: ${verdict}`);
  }
}

function validityLines({ validity }: PolicyBundle, nowMs: number): readonly string[] {
  const { notBeforeMs, softExpiryMs, hardExpiryMs, renewAfterHardExpiry } = validity;
  const ends = Number.isFinite(hardExpiryMs)
    ? [`until ${formatTime(hardExpiryMs)} (${formatValidity({ notBeforeMs, notAfterMs: hardExpiryMs }, nowMs)})`]
    : ['for ever'];
  return [
    ...(isoTime(notBeforeMs) === undefined ? [] : [`from ${formatTime(notBeforeMs)}`]),
    ...ends,
    ...(Number.isFinite(softExpiryMs) ? [`warns from ${formatTime(softExpiryMs)}`] : []),
    ...(renewAfterHardExpiry ? ['renews what is issued after that, too'] : []),
  ];
}

function ruleRow({ id, match, mode, locked, bounds, deny, conditions }: CentralRule): readonly string[] {
  const denies = [...deny.namespaces, ...deny.serviceAccounts];
  const allows = [
    ...(bounds === undefined ? [] : [formatBounds(bounds)]),
    ...(denies.length === 0 ? [] : [`not ${denies.join(', ')}`]),
    ...(conditions.length === 0 ? [] : [`if ${conditions.map((condition) => condition.id).join(', ')}`]),
  ];
  const namespaces = formatSelector(match.namespaces);
  return [id, match.classes.join(', '), namespaces, locked ? `${mode}, locked` : mode, allows.join('; ')];
}

function formatSelector({ names, labels }: NamespaceSelector): string {
  const parts = [...(names ?? []), ...Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`)];
  return parts.length === 0 ? '*' : parts.join(', ');
}

/** @returns nothing for a time that is not set. */
function isoTime(ms: number): string | undefined {
  return Number.isFinite(ms) && ms > 0 ? new Date(ms).toISOString() : undefined;
}
