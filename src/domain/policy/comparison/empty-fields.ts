// Bounds that nothing fits into, field by field.
import { usableForSvid } from '../../x509/usage.ts';
import { formatKeys, type Bounds } from '../bounds.ts';
import { admitsNobody } from './limits.ts';
import { formatDuration } from '../../text/duration.ts';
import { formatNames, formatPatterns } from './formats.ts';
import { meetNames, type NameLimit } from '../name-patterns.ts';

export interface EmptyField {
  /** As documents spell it, under `bounds` or `narrow`. */
  readonly field: string;
  /** What is left in it, in words. */
  readonly left: string;
}

/**
 * DNS names and impersonators are no such fields: a request needs neither. Nor is the SPIFFE ID, whose
 * templates say nothing of one another before they are filled in.
 * @param serviceAccounts of those whom the bounds are for.
 */
export function emptyFields(bounds: Bounds, serviceAccounts: NameLimit): readonly EmptyField[] {
  const { keys, usages, ttl } = bounds;
  const accounts = meetNames(bounds.serviceAccounts, serviceAccounts);
  return [
    ...emptyNames('trustDomains', bounds.trustDomains),
    ...emptyNames('serviceAccounts', accounts),
    ...(ttl.minMs <= ttl.maxMs
      ? []
      : [{ field: 'ttl', left: `at least ${formatDuration(ttl.minMs)} and at most ${formatDuration(ttl.maxMs)}` }]),
    ...(keys === undefined || Object.keys(keys).length > 0 ? [] : [{ field: 'keys', left: formatKeys(keys) }]),
    // Without a signature, serving and calling it is no X509-SVID.
    ...(usages === undefined || usableForSvid(usages) ? [] : [{ field: 'usages', left: formatPatterns(usages) }]),
    ...emptyNames('issuer', bounds.issuers),
  ];
}

function emptyNames(field: string, limit: NameLimit): readonly EmptyField[] {
  return admitsNobody(limit) ? [{ field, left: formatNames(limit) }] : [];
}
