// A wait that ends with what it waits for or with its signal, and leaves nothing behind either way.

/** For a wait that nothing but its own bound may end. */
export const NEVER = new AbortController().signal;

export interface Settle<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Waits until `begin`'s `resolve` or `reject` is called, or rejects with the signal's reason; whichever is first counts.
 * @param begin sets up what is waited for; it may settle at once. It returns how to undo that, which is called once,
 *   before the wait ends.
 */
export async function abortable<T>(signal: AbortSignal, begin: (settle: Settle<T>) => () => void): Promise<T> {
  signal.throwIfAborted();
  return new Promise<T>((resolve, reject) => {
    const wait: { over: boolean; undo?: () => void } = { over: false };
    const end = (settle: () => void): void => {
      if (wait.over) return;
      wait.over = true;
      signal.removeEventListener('abort', aborted);
      wait.undo?.();
      settle();
    };
    const aborted = (): void => end(() => reject(signal.reason as Error));
    signal.addEventListener('abort', aborted, { once: true });
    const undo = begin({
      resolve: (value) => end(() => resolve(value)),
      reject: (error) => end(() => reject(error)),
    });
    wait.undo = undo;
    if (wait.over) undo();
  });
}

/** The result of `work`, unless the signal aborts first. What does not heed the signal is left to end by itself. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return abortable<T>(signal, ({ resolve, reject }) => {
    work.then(resolve, reject);
    return () => undefined;
  });
}
