// One worker: the server of today in a place that the supervisor gives it. It ends when it is told to, and in order too
// when the supervisor is gone: nobody would replace it, hold the lock or answer probes for it.
import process from 'node:process';
import { SystemClock } from '../../adapters/clock/system-clock.ts';
import { answerHeartbeat } from '../../adapters/processes/heartbeat.ts';
import type { Json } from '../../adapters/processes/link.ts';
import { ipcChannel } from '../../adapters/processes/ipc-channel.ts';
import { MessageLink } from '../../adapters/processes/message-link.ts';
import { orAborted } from '../../live/abortable.ts';
import { serve, type ServeOptions } from '../serve.ts';
import {
  FAILED_TOPIC,
  PLACE_TOPIC,
  readPlace,
  READY_TOPIC,
  REREAD_TOPIC,
  writeFailure,
  writeReport,
} from './start-of-worker.ts';

/**
 * Serves until the signal aborts or the supervisor is gone; resolves when everything is flushed and the link is closed.
 * @throws what it could not start for, after the supervisor has heard of it.
 */
export async function runWorker({
  signal,
  rereads,
}: Required<Pick<ServeOptions, 'signal' | 'rereads'>>): Promise<void> {
  let report = (topic: string, cause: unknown): void => {
    throw new Error(`serving ${topic} to the supervisor failed`, { cause });
  };
  const onFailure = (topic: string, cause: unknown): void => report(topic, cause);
  const link = new MessageLink({ clock: new SystemClock(), channel: ipcChannel(process), onFailure });
  const ending = AbortSignal.any([signal, link.closed]);
  answerHeartbeat(link);
  link.serve(REREAD_TOPIC, () => {
    rereads.dispatchEvent(new Event('reread'));
    return null;
  });
  const assigned = new Promise<Json>((resolve) => {
    link.serve(PLACE_TOPIC, (body) => {
      resolve(body);
      return null;
    });
  });
  try {
    const { config, slot, of } = readPlace(await orAborted(assigned, ending));
    const onReady: ServeOptions['onReady'] = (report) => link.tell(READY_TOPIC, writeReport(report));
    await serve(config, {
      signal: ending,
      rereads,
      onReady,
      worker: { slot, of, link, onFailure: (given) => (report = given) },
    });
  } catch (cause) {
    if (ending.aborted) return;
    // Asked and not only said: the process must not end before it is understood. A supervisor that is gone does not mind.
    await link.ask(FAILED_TOPIC, writeFailure(cause), { signal: ending }).catch(() => undefined);
    throw cause;
  } finally {
    if (process.connected) process.disconnect?.();
  }
}
