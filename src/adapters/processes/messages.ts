// The messages of a link, each one JSON text. They cross between processes of one server that were started from the
// same files, so that what does not read is a mistake of ours.
import type { Violation } from '../../domain/errors.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { Json } from './link.ts';

export type Message =
  | { readonly kind: 'ask'; readonly number: number; readonly topic: string; readonly body: Json }
  | { readonly kind: 'answer'; readonly number: number; readonly body: Json }
  | {
      readonly kind: 'refusal';
      readonly number: number;
      readonly reason: Reason;
      readonly detail?: string;
      readonly violations: readonly Violation[];
    }
  /** Whoever asked does not wait any more. */
  | { readonly kind: 'cancel'; readonly number: number }
  | { readonly kind: 'tell'; readonly topic: string; readonly body: Json };

export function writeMessage(message: Message): string {
  return JSON.stringify(message);
}

export function readMessage(text: string): Message {
  return JSON.parse(text) as Message;
}
