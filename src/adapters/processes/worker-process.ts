// One forked process and the link to it, from its fork to its end.
import { fork, type ChildProcess } from 'node:child_process';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../ports/platform/clock.ts';
import { ipcChannel } from './ipc-channel.ts';
import type { Link } from './link.ts';
import { MessageLink } from './message-link.ts';

export interface WorkerProcess {
  readonly link: Link;
  /** Aborts when it is gone and all that it said has arrived, which may be after `ended`. */
  readonly closed: AbortSignal;
  /** What it writes to WORKER_LOG_FD. */
  readonly log: Readable;
  /** Absent when the system gave no process. */
  readonly pid: number | undefined;
  /** Settles when the process is gone, with how it ended, in words. */
  readonly ended: Promise<string>;
  /** `end` asks it to drain; `kill` ends it whatever it does. May be called when it is gone. */
  readonly end: () => void;
  readonly kill: () => void;
}

export interface ForkSettings {
  /** The program, and what it is started with. */
  readonly entry: URL;
  readonly argv: readonly string[];
}

/** Standard input is ours alone: a worker reads nothing. What a crash prints goes where ours would. */
const STDIO = ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'] as const;
/** Where a worker writes its log, for the supervisor to read. */
export const WORKER_LOG_FD = 4;

/** It has our environment, working directory and Node's options. @param parts as those of a `MessageLink`. */
export function forkWorker(
  parts: { readonly clock: Clock; readonly onFailure: (topic: string, cause: unknown) => void },
  { entry, argv }: ForkSettings,
): WorkerProcess {
  const child = fork(fileURLToPath(entry), argv, { stdio: [...STDIO], serialization: 'advanced' });
  const link = new MessageLink({ ...parts, channel: ipcChannel(child) });
  return {
    link,
    closed: child.pid === undefined ? AbortSignal.abort() : link.closed,
    log: logOf(child),
    pid: child.pid,
    ended: endOf(child),
    end: () => void child.kill('SIGTERM'),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** A process that the system did not give has no pipes either. */
function logOf({ stdio }: { readonly stdio?: ChildProcess['stdio'] }): Readable {
  return (stdio?.[WORKER_LOG_FD] as Readable | null | undefined) ?? Readable.from([]);
}

async function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `it ended with exit code ${code ?? ''}` : `it was ended by ${signal}`),
    );
    // No process, or none that could be signalled: the second is gone in a moment, by its `exit`.
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(`it could not be started: ${error.message}`);
    });
  });
}
