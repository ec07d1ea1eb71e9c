// The other end of a link in a process of its own: repeats what it is asked, and writes to a socket it is handed.
import process from 'node:process';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { ipcChannel } from '../../../../src/adapters/processes/ipc-channel.ts';
import { MessageLink } from '../../../../src/adapters/processes/message-link.ts';

const link = new MessageLink({
  clock: new SystemClock(),
  channel: ipcChannel(process),
  onFailure: (_, cause) => {
    throw cause;
  },
});
link.serve('repeat', (body) => body);
link.serve('listeners', () => process.listenerCount('internalMessage'));
link.serve('greet', (body, { handle }) => {
  handle?.end(`hello ${body as string}`);
  return null;
});
