// The end of a stream whose client has said all that it had to say. Whoever uses a stream like a unary call sends
// one request and closes its half at once: it is answered first, and told when there is no answer to wait for.
import { AuthorityError } from '../../../../domain/errors.ts';
import { secretKindOf, WILDCARD } from './resource-names.ts';
import type { Effect, Session } from './session.ts';

/** Ends the stream once every name is answered, or cannot be. */
export function conclude({ finished, told, offers, owner }: Session, effects: Effect[]): void {
  if (!finished) return;
  let missing: AuthorityError | undefined;
  for (const [name, version] of told) {
    if (version !== undefined || name === WILDCARD) continue;
    const kind = secretKindOf(name, owner);
    const offer = kind && offers[kind];
    if (kind === undefined) missing ??= new AuthorityError('CAP-M04', { detail: name });
    else if (offer === undefined) return;
    else if ('withheld' in offer) missing ??= offer.withheld;
  }
  effects.push(missing === undefined ? { kind: 'complete' } : { kind: 'end', error: missing });
}
