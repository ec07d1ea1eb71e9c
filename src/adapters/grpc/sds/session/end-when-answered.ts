// The end of a stream whose client has closed its half. A client that uses a stream like a unary call sends
// one request and closes its half at once: it gets its answer first, or the error of the name that has none.
import { AuthorityError } from '../../../../domain/errors.ts';
import { secretKindOf, WILDCARD } from './resource-names.ts';
import type { Effect, Session } from './session.ts';

/** Ends the stream once every name is answered, or cannot be. */
export function endWhenAnswered({ finished, lastSent, available, caller }: Session, effects: Effect[]): void {
  if (!finished) return;
  let missing: AuthorityError | undefined;
  for (const [name, version] of lastSent) {
    if (version !== undefined || name === WILDCARD) continue;
    const kind = secretKindOf(name, caller);
    const availability = kind && available[kind];
    if (kind === undefined) missing ??= new AuthorityError('CAP-M04', { detail: name });
    else if (availability === undefined) return;
    else if ('unavailable' in availability) missing ??= availability.unavailable;
  }
  effects.push(missing === undefined ? { kind: 'complete' } : { kind: 'end', error: missing });
}
