// An answer of the server that is asked for again while its page is open. The last one stays while a newer cannot be had, with
// word of that: what is old must not look new.
import { useEffect, useState } from 'preact/hooks';
import { ask, Refused, serverNowMs } from './ask.ts';
import { onLook } from './live.ts';

export interface Answered<Answer> {
  readonly answer?: Answer;
  /** Of the answer, by the server's clock. */
  readonly atMs?: number;
  /** Why there is no newer one. */
  readonly problem?: string;
}

interface Asking {
  /** What is asked when it is, where the path is of a moment that moves on. */
  readonly askedNow?: () => string;
  /** How long an answer is not asked for again: as long as the server would give the same one. */
  readonly restMs?: number;
}

/** @param path such as `/api/overview`; another one is asked at once. */
export function useAnswer<Answer>(path: string, { askedNow, restMs = 0 }: Asking = {}): Answered<Answer> {
  const [known, setKnown] = useState<Answered<Answer> & { readonly path?: string }>({});
  useEffect(() => {
    const end = new AbortController();
    const { signal } = end;
    let asking = false;
    let restsUntilMs = 0;
    const look = async (byItself: boolean): Promise<void> => {
      if (asking || performance.now() < restsUntilMs) return;
      asking = true;
      try {
        const answer = await ask<Answer>(askedNow?.() ?? path, { byItself, signal });
        setKnown({ path, answer, atMs: serverNowMs() });
        restsUntilMs = performance.now() + restMs;
      } catch (cause) {
        if (signal.aborted) return;
        if (cause instanceof Refused && cause.status === 401) dispatchEvent(new Event('signed-out'));
        const problem = cause instanceof Refused ? cause.message : 'the server does not answer';
        setKnown((before) => ({ ...(before.path === path && before), path, problem }));
      } finally {
        asking = false;
      }
    };
    void look(false);
    const ended = onLook(() => void look(true));
    return () => {
      ended();
      end.abort();
    };
  }, [path]);
  return known.path === path ? known : {};
}
