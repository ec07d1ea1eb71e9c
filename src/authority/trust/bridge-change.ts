// What becomes of a rotation by a bridge that is given or taken back.
import { AuthorityError } from '../../domain/errors.ts';
import type { TrustBundle } from '../../domain/trust/bundle.ts';
import type { Authorship } from '../../domain/trust/issuer-ledger.ts';
import {
  bridged,
  type AnchorLedger,
  type RotatingLedger,
  type WantedStep,
} from '../../domain/trust/rotation/anchor-ledger.ts';
import type { Bridge } from '../../domain/trust/rotation/bridge.ts';
import { crossCertificateFrom } from '../../domain/trust/rotation/cross-certificate.ts';
import { isUnderWay } from '../../domain/trust/rotation/rotation.ts';

/**
 * @param bundle what is in force.
 * @throws AuthorityError CAP-O02 for a certificate that is no bridge, CAP-O03 where the rotation has no use for one.
 */
export function bridgeChanged(
  known: AnchorLedger,
  { act, pem = '', rotation }: WantedStep,
  by: Authorship,
  bundle: TrustBundle,
): RotatingLedger {
  if (!isUnderWay(known.rotation)) throw refusal('there is no rotation under way: start one');
  if (known.rotation.id !== rotation) throw refusal(`the rotation is ${known.rotation.id} by now`);
  // Whether there is any use for it comes first: outside of these phases the bundle lacks what it is judged by.
  const bridge = (): Bridge | undefined => (act === 'bridge' ? bridgeFrom(known, pem, by, bundle) : undefined);
  const { phase } = known.rotation;
  const next = bridged(known, phase === 'publish' || phase === 'adopt' ? bridge() : undefined);
  if ('problem' in next) throw refusal(`the rotation ${next.problem}`);
  return next;
}

function bridgeFrom({ rotation }: AnchorLedger, pem: string, by: Authorship, bundle: TrustBundle): Bridge | undefined {
  if (rotation === undefined) return undefined;
  const cross = crossCertificateFrom(pem, rotation, bundle, by.timeMs);
  if ('problem' in cross) throw new AuthorityError('CAP-O02', { detail: `the cross-certificate ${cross.problem}` });
  const { timeMs, actor, role, reason, approvedBy } = by;
  return { ...cross, timeMs, actor, role, reason, ...(approvedBy !== undefined && { approvedBy }) };
}

function refusal(detail: string): AuthorityError {
  return new AuthorityError('CAP-O03', { detail });
}
