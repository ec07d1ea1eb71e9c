// The two variants of the stream side by side: how each reads, steps and writes.
import { decodeDeltaRequest, decodeSotwRequest } from './decode.ts';
import { stepDelta, type DeltaRequest } from './delta-session.ts';
import { encodeDeltaReply, encodeSotwReply } from './encode.ts';
import type { Reply, StepFunction } from './session.ts';
import { stepSotw, type SotwRequest } from './sotw-session.ts';

export interface Protocol<Request> {
  readonly name: 'sotw' | 'delta';
  /** @throws AuthorityError CAP-M03 */
  readonly decode: (bytes: Uint8Array) => Request;
  readonly step: StepFunction<Request>;
  readonly encode: (reply: Reply) => Uint8Array;
}

export const SOTW: Protocol<SotwRequest> = {
  name: 'sotw',
  decode: decodeSotwRequest,
  step: stepSotw,
  encode: encodeSotwReply,
};

export const DELTA: Protocol<DeltaRequest> = {
  name: 'delta',
  decode: decodeDeltaRequest,
  step: stepDelta,
  encode: encodeDeltaReply,
};
