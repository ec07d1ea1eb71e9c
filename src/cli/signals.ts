// What the process does on the signals of POSIX and of Node. A server ends in order on those that ask for an end,
// looks at its files again on SIGHUP, and is not hurt by the others.
import { closeSync, openSync } from 'node:fs';

/** As much of a process as is needed. */
export type SignalSource = Record<'on' | 'once', (name: NodeJS.Signals, listener: () => void) => unknown>;

export interface HeededSignals {
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
  /** Has an event `reread` whenever everything that is followed is to be read again. */
  readonly rereads: EventTarget;
}

/** SIGQUIT too: what it does by default, a core dump, would show the keys. */
const ENDING = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;
/**
 * On SIGUSR1 Node opens its debugger to whoever can reach the loopback, unless somebody listens to the signal;
 * SIGUSR2 would end the process without a word.
 */
const IGNORED = ['SIGUSR1', 'SIGUSR2'] as const;

/**
 * @param options.serving for a command that is no server SIGHUP is what it always is.
 * @param options.worker for one process of several a second signal is no impatience: a service manager tells every
 *   process of a server to end (systemd.kill(5), KillMode=control-group), and then the supervisor tells its workers.
 */
export function heedSignals(
  process: SignalSource,
  options: { readonly serving: boolean; readonly worker?: boolean; readonly terminal?: () => boolean },
): HeededSignals {
  const root = new AbortController();
  const rereads = new EventTarget();
  const { serving, worker = false, terminal = hasTerminal } = options;
  for (const name of ENDING) process[worker ? 'on' : 'once'](name, () => root.abort(new Error(name)));
  for (const name of IGNORED) process.on(name, () => undefined);
  if (serving) {
    const startedInTerminal = terminal();
    process.on('SIGHUP', () => {
      // The closing of a terminal sends it as well, and means an end.
      if (startedInTerminal && !terminal()) root.abort(new Error('SIGHUP'));
      else rereads.dispatchEvent(new Event('reread'));
    });
  }
  return { signal: root.signal, rereads };
}

/** Whether there is a terminal whose closing would end us: `/dev/tty` is the one we were started in (tty(4)). */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r+'));
    return true;
  } catch {
    return false;
  }
}
