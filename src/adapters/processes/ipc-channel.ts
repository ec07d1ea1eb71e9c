// A channel over the pipe that Node opens between a process and its fork (child_process, `fork`). With `advanced`
// serialization a text crosses as it is, and is not written as JSON a second time.
import type { Server, Socket } from 'node:net';
import type { Channel } from './message-link.ts';

/** As much of `process` and of `ChildProcess` as is needed. */
export interface IpcEnd {
  readonly connected: boolean;
  send?(message: string, handle: Socket | undefined, callback: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: unknown, handle: unknown) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
}

export function ipcChannel(end: IpcEnd): Channel {
  return {
    get open() {
      return end.connected;
    },
    send(text, handle, sent) {
      forgetServer(handle);
      // The error of a pipe that just closed comes as `disconnect` too.
      end.send?.(text, handle, (error) => {
        if (error !== null) handle?.destroy();
        sent();
      });
    },
    listen(onMessage, onClosed) {
      end.on('message', (message, handle) => {
        if (typeof message === 'string') onMessage(message, handle as Socket | undefined);
      });
      end.on('disconnect', onClosed);
    },
  };
}

/**
 * For each server of which a socket is sent Node keeps a list at either end, with a listener, until the processes end:
 * one for each time that the socket of a workload was opened. It does so for a socket that knows its server.
 */
function forgetServer(handle: Socket | undefined): void {
  if (handle !== undefined) (handle as { server: Server | null }).server = null;
}
