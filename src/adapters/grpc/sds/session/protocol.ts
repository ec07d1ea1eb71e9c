// The two variants of the stream side by side: how each reads, steps and writes.
import { decodeDeltaRequest, decodeSotwRequest } from '../decode.ts';
import { stepDelta, type DeltaRequest } from './delta-session.ts';
import { encodeDeltaReply, encodeSotwReply } from '../encode.ts';
import type { MessageRateLimit } from '../message-rate-limit.ts';
import type { Reply, StepFunction } from './session.ts';
import { stepSotw, type SotwRequest } from './sotw-session.ts';
import { trimDeltaRequest, trimSotwRequest } from '../trim.ts';

export interface Protocol<Request> {
  readonly name: 'sotw' | 'delta';
  /** What is read of a message. @throws AuthorityError CAP-M02 or CAP-M03 */
  readonly trim: (bytes: Uint8Array) => Uint8Array;
  /** @throws AuthorityError CAP-M03 */
  readonly decode: (bytes: Uint8Array) => Request;
  readonly step: StepFunction<Request>;
  readonly encode: (reply: Reply) => Uint8Array;
}

export const SOTW: Protocol<SotwRequest> = {
  name: 'sotw',
  trim: trimSotwRequest,
  decode: decodeSotwRequest,
  step: stepSotw,
  encode: encodeSotwReply,
};

export const DELTA: Protocol<DeltaRequest> = {
  name: 'delta',
  trim: trimDeltaRequest,
  decode: decodeDeltaRequest,
  step: stepDelta,
  encode: encodeDeltaReply,
};

/** What a message costs besides its bytes: to take and answer a small one takes as long as to read some hundreds. */
const PER_MESSAGE_BYTES = 1024;
/** To look at a byte costs a part of what it costs to decode it. */
const LOOK_PER_BYTE = 1 / 16;

/** Who is charged for a message, and where. */
export interface Account {
  readonly rateLimit: MessageRateLimit;
  readonly owner: string;
}

/**
 * Reads a message whose turn has come.
 * @param account none for a message that we caused ourselves.
 * @throws AuthorityError CAP-M02 or CAP-M03
 */
export function readMessage<Request>(
  { trim, decode }: Protocol<Request>,
  bytes: Uint8Array,
  account?: Account,
): Request {
  account?.rateLimit.charge(account.owner, PER_MESSAGE_BYTES + bytes.length * LOOK_PER_BYTE);
  const trimmed = trim(bytes);
  account?.rateLimit.charge(account.owner, trimmed.length);
  return decode(trimmed);
}
