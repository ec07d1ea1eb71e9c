// What all ledgers have alike where they are written down. A member that may be absent is never there without a value, so that
// what was read is a value of the domain as it is.
import { z } from 'zod';

/** In ms since the epoch. */
export const timeMs = z.int().min(0);
/** Names a certificate or what an operator made: the first 16 hex digits of a SHA-256. */
export const shortId = z.string().regex(/^[0-9a-f]{16}$/);
/** In hex. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** `Asking` of the domain. @param text what a text of this ledger may be. */
function askingOf(text: z.ZodString) {
  return { timeMs, actor: text, role: text } as const;
}

/** `Authorship` of the domain. */
export function authorshipOf(text: z.ZodString) {
  return { ...askingOf(text), reason: text, approvedBy: text.exactOptional() } as const;
}

/** `Waiting` of the domain. */
export function waitingOf(text: z.ZodString) {
  return {
    ...askingOf(text),
    // As many as a client certificate has that TLS takes.
    names: z.array(text).max(1_000).exactOptional(),
    digest: z.string().regex(/^[0-9a-f]{32}$/),
    untilMs: timeMs,
  } as const;
}
