// A server as a process of its own: the settings come as its one argument, the report goes to its parent
// when it is ready. It ends on SIGTERM, and with its parent; on SIGHUP it rereads.
import process from 'node:process';
import { serve } from '../../../src/app/serve.ts';
import { configOf } from './running-server.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as Readonly<Record<string, unknown>>;
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const rereads = new EventTarget();
process.on('SIGHUP', () => rereads.dispatchEvent(new Event('reread')));
process.once('disconnect', () => stop.abort());
await serve(configOf(settings), { signal: stop.signal, rereads, onReady: (report) => process.send?.(report) });
process.disconnect?.();
