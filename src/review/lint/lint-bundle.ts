// Findings for the owner of a bundle, beside what does not parse.
import type { ParsedDocument } from '../../adapters/policy/source/parse-documents.ts';
import { sharePatterns } from '../../domain/policy/comparison/limits.ts';
import type { CentralRule, PolicyBundle } from '../../domain/policy/documents.ts';
import type { IssuanceClass } from '../../domain/policy/request.ts';
import { formatTime } from '../../domain/text/format-time.ts';
import type { Finding } from '../findings.ts';
import { off } from './lint-local.ts';
import { findingAt } from '../sources/finding-places.ts';

/** Capstan's own: no workload is ever of one. */
const RESERVED: readonly IssuanceClass[] = ['self', 'intermediate'];

export function lintBundle(document: ParsedDocument, bundle: PolicyBundle, nowMs: number): readonly Finding[] {
  return [
    ...expiry(document, bundle, nowMs),
    ...nobody(document, bundle),
    ...bundle.rules.flatMap((rule) =>
      rule.mode === 'off'
        ? [off(document, `rules.${rule.id}.mode`, `rule ${rule.id}`)]
        : [...reserved(document, rule), ...unreachable(document, rule, bundle), ...escapable(document, rule)],
    ),
  ];
}

function expiry(document: ParsedDocument, { validity }: PolicyBundle, nowMs: number): readonly Finding[] {
  const { softExpiryMs, hardExpiryMs } = validity;
  const [field, ms] = nowMs >= hardExpiryMs ? ['hardExpiry', hardExpiryMs] : ['softExpiry', softExpiryMs];
  if (nowMs < ms) return [];
  const message = `validity.${field}: was at ${formatTime(ms)}`;
  return [findingAt(document, `validity.${field}`, { id: 'policy/validity', severity: 'warning', message })];
}

function nobody(document: ParsedDocument, { rules }: PolicyBundle): readonly Finding[] {
  if (rules.some(({ bounds, mode }) => bounds !== undefined && mode === 'enforce')) return [];
  const message = 'rules: no rule that is enforced has bounds, so that nobody is given an identity';
  return [findingAt(document, 'rules', { id: 'policy/unreachable', severity: 'warning', message })];
}

function reserved(document: ParsedDocument, { id, match }: CentralRule): readonly Finding[] {
  const names = match.classes.filter((name) => RESERVED.includes(name));
  if (names.length === 0) return [];
  const field = `rules.${id}.match.classes`;
  const message = `${field}: ${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} reserved; no workload is of it`;
  return [findingAt(document, field, { id: 'policy/reserved', severity: 'note', message })];
}

/** Whoever makes a pod writes its labels, and leaves out those that only cost it something. */
function escapable(document: ParsedDocument, { id, match, bounds }: CentralRule): readonly Finding[] {
  if (bounds !== undefined || match.pods?.labels === undefined) return [];
  const field = `rules.${id}.match.pods.labels`;
  const message = `${field}: the rule only takes away, and a pod escapes it without the label; see docs/policy.md, pods`;
  return [findingAt(document, field, { id: 'policy/escapable', severity: 'note', message })];
}

/** Whom no workload can be: of a class that the bundle gives to nobody there, or in a cluster that it is not for. */
function unreachable(document: ParsedDocument, { id, match }: CentralRule, bundle: PolicyBundle): readonly Finding[] {
  const given = bundle.classes.filter(({ namespaces }) => sharePatterns(namespaces, match.namespaces.names));
  const classes = new Set<IssuanceClass>(['workload', ...RESERVED, ...given.map((entry) => entry.class)]);
  const at = `rules.${id}.match`;
  const found = (field: string, message: string): Finding =>
    findingAt(document, field, { id: 'policy/unreachable', severity: 'warning', message: `${field}: ${message}` });
  return [
    ...(match.classes.some((name) => classes.has(name))
      ? []
      : [found(`${at}.classes`, `nobody there is of class ${match.classes.join(' or ')}; see classes of the bundle`)]),
    ...(sharePatterns(match.clusters.ids, bundle.audience)
      ? []
      : [found(`${at}.clusters.ids`, `the bundle is not for them, but for ${bundle.audience.join(' ')}`)]),
  ];
}
