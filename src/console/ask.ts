// What pages ask of the server. Everything is read with GET but signing in and out.

/** An answer that is none, with what the server says of it. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface SessionAnswer {
  readonly actor: string;
  /** As the person is called. */
  readonly called: string;
  readonly role: string;
  readonly endsMs: number;
  /** Absent for who sees all. */
  readonly namespaces?: readonly string[];
}

/** Keeps nobody signed in: a page that is left open asks by itself. */
const BY_ITSELF = { 'capstan-refresh': 'automatic' };

/** @param asked.byItself nobody did anything to have it asked. @throws Refused; TypeError when nothing answers. */
export async function ask<Answer>(
  path: string,
  asked: { readonly byItself: boolean; readonly signal?: AbortSignal },
): Promise<Answer> {
  const { byItself, signal } = asked;
  const response = await fetch(path, { ...(byItself && { headers: BY_ITSELF }), ...(signal && { signal }) });
  return bodyOf<Answer>(response);
}

/** @throws as `ask`. */
export async function tell(path: string, body: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  await bodyOf(await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) }));
}

/** By how much the server's clock is ahead of this machine's, to the second. */
let aheadMs = 0;

/** What the server's clock shows: moments are its own. */
export function serverNowMs(): number {
  return Date.now() + aheadMs;
}

async function bodyOf<Answer>(response: Response): Promise<Answer> {
  const dateMs = Date.parse(response.headers.get('date') ?? '');
  if (Math.abs(dateMs - serverNowMs()) > 2_000) aheadMs = dateMs - Date.now();
  const body = (await response.json().catch(() => ({}))) as Answer & { readonly error?: string };
  if (!response.ok) throw Object.assign(new Refused(response.status, body.error ?? 'the server refuses'), { body });
  return body;
}
